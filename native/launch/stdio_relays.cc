#include "launch/stdio_relays.h"

#include <algorithm>
#include <utility>

namespace buildjail {

Status StdioRelays::begin(std::uint32_t run, std::uint64_t owner, std::vector<Flow> flows,
                          std::function<void()> failed) {
  if (flows.empty()) return {};
  // It begins to move at once, and what it then has to say waits for the lock.
  const std::lock_guard lock(mutex_);
  auto relay = StdioRelay::start(std::move(flows), {.failed = std::move(failed), .changed = [this, run] {
                                                      {
                                                        const std::lock_guard changing(mutex_);
                                                        changed_.push_back(run);
                                                      }
                                                      wake_();
                                                    }});
  if (!relay) return std::move(relay.error());
  relays_.insert_or_assign(run, Relayed{.owner = owner, .relay = std::move(*relay)});
  count_ = relays_.size();
  return {};
}

void StdioRelays::drop(std::uint32_t run) {
  // Let go of without the lock, which its thread may be waiting for.
  decltype(relays_)::node_type dropped;
  const std::lock_guard lock(mutex_);
  dropped = relays_.extract(run);
  count_ = relays_.size();
}

void StdioRelays::finish(std::uint32_t run, std::function<void(StdioRelay::Settled)> then) {
  std::unique_lock lock(mutex_);
  const auto found = relays_.find(run);
  if (found == relays_.end()) {
    lock.unlock();
    return then({});
  }
  found->second.then = std::move(then);
  found->second.relay->command_ended();
  // It may be settled already, where its session was closed meanwhile.
  changed_.push_back(run);
}

void StdioRelays::look() {
  std::vector<std::pair<std::function<void(StdioRelay::Settled)>, StdioRelay::Settled>> ends;
  std::vector<std::unique_ptr<StdioRelay>> over;
  {
    const std::lock_guard lock(mutex_);
    if (changed_.empty()) return;
    for (const std::uint32_t run : std::exchange(changed_, {})) {
      const auto found = relays_.find(run);
      if (found == relays_.end()) continue;
      auto& [owner, relay, then, is_told] = found->second;
      if (auto settled = relay->settled(); settled && then) {
        ends.emplace_back(std::exchange(then, nullptr), std::move(*settled));
        is_told = true;
      }
      if (!is_told || !relay->is_over()) continue;
      over.push_back(std::move(relay));
      relays_.erase(found);
    }
    count_ = relays_.size();
  }
  for (auto& [then, settled] : ends) then(std::move(settled));
  // Their threads do nothing more.
  over.clear();
  over_.notify_all();
}

bool StdioRelays::end(std::uint64_t owner, std::chrono::milliseconds bound) {
  std::unique_lock lock(mutex_);
  for (const auto& [run, relayed] : relays_) {
    if (relayed.owner == owner) relayed.relay->end_when_settled();
  }
  const auto is_over = [&] {
    return std::none_of(relays_.begin(), relays_.end(), [owner](const auto& entry) {
      return entry.second.owner == owner && !entry.second.relay->is_over();
    });
  };
  over_.wait_for(lock, bound, [&] { return is_stopping_ || is_over(); });
  return is_over();
}

void StdioRelays::stop() {
  // As in `drop`.
  decltype(relays_) ending;
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    ending.swap(relays_);
    count_ = 0;
  }
  over_.notify_all();
}

}  // namespace buildjail
