#include "launch/stdio_relay.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/result.h"
#include "base/signals.h"

namespace buildjail {

namespace {

/** In which a fifo or a device takes what a command has left. A regular file is written to in any case. */
constexpr std::chrono::milliseconds kPatience{5000};
/** A command may not be there yet, and so not be ended, when its output fails. */
constexpr std::chrono::milliseconds kFailedInterval{20};

}  // namespace

Result<std::unique_ptr<StdioRelay>> StdioRelay::start(std::vector<Flow> flows, RelayListener listener) {
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return last_error("stdio", "eventfd");
  return caught("stdio", [&]() -> Result<std::unique_ptr<StdioRelay>> {
    // Not make_unique: the constructor is private, as one without a thread is nothing to have.
    std::unique_ptr<StdioRelay> relay(new StdioRelay(std::move(flows), std::move(listener), std::move(wake)));
    relay->thread_ = std::thread([at = relay.get()] { at->loop(); });
    return relay;
  });
}

StdioRelay::~StdioRelay() {
  if (!thread_.joinable()) return;
  ask(&Asked::end_now);
  thread_.join();
}

void StdioRelay::ask(bool Asked::* what) {
  {
    const std::lock_guard lock(mutex_);
    asked_.*what = true;
  }
  const std::uint64_t one = 1;
  static_cast<void>(::write(wake_.get(), &one, sizeof(one)));
}

StdioRelay::Asked StdioRelay::asked() {
  const std::lock_guard lock(mutex_);
  return asked_;
}

std::optional<StdioRelay::Settled> StdioRelay::settled() {
  const std::lock_guard lock(mutex_);
  return settled_;
}

bool StdioRelay::is_over() {
  const std::lock_guard lock(mutex_);
  return is_over_;
}

void StdioRelay::loop() {
  // A handler of the host program's has nothing to do here; and SIGPIPE and SIGXFSZ, which write(2) sends to this
  // thread, are told by errno as well.
  const BlockedSignals blocked;
  while (follow(asked())) wait_and_move();
  for (Flow& flow : flows_) flow.end();
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  listener_.changed();
}

bool StdioRelay::follow(const Asked& now) {
  if (now.end_now) return false;
  const bool is_news = (now.command_ended && !is_command_ended_) || (now.end_when_settled && !is_ending_);
  is_ending_ |= now.end_when_settled;
  is_command_ended_ |= now.command_ended || now.end_when_settled;
  if (is_news) {
    for (Flow& flow : flows_) flow.nothing_follows();
  }
  if (!is_command_ended_) {
    if (has_failed()) listener_.failed();
    return true;
  }
  if (!std::all_of(flows_.begin(), flows_.end(), [](const Flow& flow) { return flow.is_settled(); })) return true;
  if (!std::exchange(is_settled_told_, true)) tell_settled();
  return !is_ending_ && !std::all_of(flows_.begin(), flows_.end(), [](const Flow& flow) { return flow.is_over(); });
}

void StdioRelay::tell_settled() {
  Settled settled;
  for (const Flow& flow : flows_) {
    auto& failure = flow.is_input() ? settled.input_failure : settled.output_failure;
    if (!failure) failure = flow.failure();
  }
  {
    const std::lock_guard lock(mutex_);
    settled_ = std::move(settled);
  }
  listener_.changed();
}

void StdioRelay::wait_and_move() {
  std::vector<pollfd> awaited{{.fd = wake_.get(), .events = POLLIN, .revents = 0}};
  for (const Flow& flow : flows_) awaited.push_back(flow.awaited());
  const bool is_settling = is_ending_ || (is_command_ended_ && !is_settled_told_);
  int bound = -1;
  if (!is_command_ended_ && has_failed()) bound = static_cast<int>(kFailedInterval.count());
  if (is_settling) bound = static_cast<int>(kPatience.count());
  const int happened = ::poll(awaited.data(), static_cast<nfds_t>(awaited.size()), bound);
  if (happened == 0 && is_settling) {
    for (Flow& flow : flows_) flow.give_up();
  }
  if (happened <= 0) return;
  std::uint64_t count = 0;
  if (awaited.front().revents != 0) static_cast<void>(::read(wake_.get(), &count, sizeof(count)));
  for (std::size_t i = 0; i < flows_.size(); ++i) {
    if (awaited.at(i + 1).revents != 0) flows_.at(i).move();
  }
}

bool StdioRelay::has_failed() const {
  return std::any_of(flows_.begin(), flows_.end(), [](const Flow& flow) { return flow.failure().has_value(); });
}

}  // namespace buildjail
