#include "linux/spare_networks.h"

#include <fcntl.h>
#include <sched.h>

#include <chrono>
#include <utility>

#include "core/above_stdio.h"
#include "linux/clone_child.h"

namespace buildjail {

namespace {

/** What a burst of builds can have; each is some kernel memory. */
constexpr std::size_t kMost = 16;
constexpr std::chrono::milliseconds kPause{2};

// In a child, since a namespace is moved into and not just made; the descriptor is ours as well, by CLONE_FILES.
void open_own_network(void* fd) { *static_cast<int*>(fd) = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC); }

UniqueFd make_network() {
  ChildStack stack;
  int fd = -1;
  const pid_t child = clone_child(CLONE_NEWNET | CLONE_FILES, open_own_network, &fd, stack);
  if (child > 0) reap_clone(child);
  return above_stdio(UniqueFd(fd));
}

}  // namespace

SpareNetworks::~SpareNetworks() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wanted_or_stopping_.notify_all();
  if (thread_.joinable()) thread_.join();
}

UniqueFd SpareNetworks::take() {
  UniqueFd taken;
  {
    const std::lock_guard lock(mutex_);
    last_done_ = std::chrono::steady_clock::now();
    if (!thread_.joinable()) thread_ = std::thread([this] { loop(); });
    if (ready_.empty()) return taken;
    taken = std::move(ready_.back());
    ready_.pop_back();
    // While it was full nothing was waited for.
    if (ready_.size() + 1 < kMost) return taken;
  }
  wanted_or_stopping_.notify_all();
  return taken;
}

void SpareNetworks::give_way() {
  const std::lock_guard lock(mutex_);
  last_done_ = std::chrono::steady_clock::now();
}

void SpareNetworks::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wanted_or_stopping_.wait(lock, [this] { return is_stopping_ || ready_.size() < kMost; });
    while (!is_stopping_ && std::chrono::steady_clock::now() < last_done_ + kPause)
      wanted_or_stopping_.wait_until(lock, last_done_ + kPause, [this] { return is_stopping_; });
    if (is_stopping_) return;
    lock.unlock();
    UniqueFd made = make_network();
    lock.lock();
    // Without any, sessions make their own, and say why they cannot.
    if (!made) return;
    ready_.push_back(std::move(made));
  }
}

}  // namespace buildjail
