#include "launch/waiter.h"

#include <sys/time.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "base/back_off.h"
#include "base/unique_fd.h"

namespace buildjail {

namespace {

// The token of a run's event has its number and one of three subjects: its exit, its stdout, its stderr.
constexpr std::uint64_t kParts = 4;
constexpr std::uint64_t exit_token(std::uint32_t run) { return run * kParts; }
constexpr std::uint64_t stream_token(std::uint32_t run, std::size_t stream) { return run * kParts + 1 + stream; }

// The channels follow.
constexpr std::uint64_t kFirstChannel = std::uint64_t{1} << 40U;

// A debugger waits for its command first, and no event queue reports when it has. A wait4(2) that blocks would delay
// the ends of all other commands.
constexpr std::chrono::milliseconds kTracedInterval{5};

/** The time in which a killed command ends. */
constexpr std::chrono::milliseconds kEndBound{10'000};

std::int64_t microseconds(const timeval& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000 + time.tv_usec;
}

}  // namespace

Ending ending_of(int status, const rusage& usage) {
  return {.status = status,
          .user_us = microseconds(usage.ru_utime),
          .system_us = microseconds(usage.ru_stime),
          .max_rss_bytes = static_cast<std::int64_t>(usage.ru_maxrss) * 1024};
}

Result<std::shared_ptr<Waiter>> Waiter::start() {
  auto queue = EventQueue::create();
  if (!queue) return std::move(queue.error());
  return std::shared_ptr<Waiter>(new Waiter(std::move(*queue)));
}

Waiter::Waiter(std::unique_ptr<EventQueue> queue) : queue_(std::move(queue)), thread_([this] { loop(); }) {}

void Waiter::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  reaped_.notify_all();
  if (!thread_.joinable()) return;
  queue_->wake();
  thread_.join();
  mover_.stop();
}

Status Waiter::expect(Child child, const LaunchRequest& request, StdioEnds& ends) {
  const std::uint32_t run = child.run;
  auto status = expect_process(std::move(child), request, ends);
  if (!status) return status;
  status = queue_->watch_readable(streams_of(run));
  if (!status) forget(run);
  return status;
}

Status Waiter::expect_process(Child child, const LaunchRequest& request, StdioEnds& ends) {
  const std::uint32_t run = child.run;
  auto status = mover_.begin(request, child.owner, ends, [this, run] { signal(run, SIGKILL); });
  if (!status) return status;
  const std::lock_guard lock(mutex_);
  children_.insert_or_assign(run, std::move(child));
  return {};
}

std::vector<Watched> Waiter::streams_of(std::uint32_t run) {
  std::vector<Watched> watched;
  const auto captured = mover_.captured(run);
  for (std::size_t i = 0; i < captured.size(); ++i) {
    if (captured.at(i) >= 0) watched.push_back({.number = captured.at(i), .token = stream_token(run, i)});
  }
  return watched;
}

void Waiter::forget(std::uint32_t run) {
  static_cast<void>(take(run));
  mover_.drop(run);
}

Status Waiter::watch_process(std::uint32_t run, pid_t pid) {
  if (pid <= 0) {
    forget(run);
    return SysError{.step = "launch", .syscall = "fork", .err = ESRCH};
  }
  found_pid(run, pid);
  auto status = queue_->watch_process({.number = pid, .token = exit_token(run)}, streams_of(run));
  if (status) return status;
  forget(run);
  // Until it has ended: other processes may stop it after it was killed (freebsd/envelope.cc).
  BackOff back_off(kEndBound);
  do {
    static_cast<void>(::kill(pid, SIGKILL));
  } while (::waitpid(pid, nullptr, WNOHANG) == 0 && back_off.wait());
  return status;
}

Status Waiter::watch_channel(std::uint64_t owner, int fd, std::function<bool()> read) {
  const Watched watched{.number = fd, .token = kFirstChannel + owner};
  const std::lock_guard lock(mutex_);
  channels_.insert_or_assign(owner, std::make_shared<Channel>(Channel{.fd = fd, .read = std::move(read)}));
  auto status = queue_->watch_readable({&watched, 1});
  if (!status) channels_.erase(owner);
  return status;
}

Status Waiter::watch_room(std::uint64_t owner, int fd, bool is_wanted) {
  return queue_->watch_room({.number = fd, .token = kFirstChannel + owner}, is_wanted);
}

void Waiter::forget_channel(std::uint64_t owner, int fd) {
  {
    const std::lock_guard lock(mutex_);
    if (channels_.erase(owner) == 0) return;
  }
  queue_->forget_readable(fd);
}

Child* Waiter::find(std::uint32_t run) {
  const auto found = children_.find(run);
  return found == children_.end() ? nullptr : &found->second;
}

bool Waiter::signal(std::uint32_t run, int signal) {
  const std::lock_guard lock(mutex_);
  const Child* const child = find(run);
  return child != nullptr && child->signal(child->pid, signal);
}

bool Waiter::is_expected(std::uint32_t run) {
  const std::lock_guard lock(mutex_);
  return children_.contains(run);
}

std::optional<pid_t> Waiter::pid_of(std::uint32_t run) {
  const std::lock_guard lock(mutex_);
  const Child* const child = find(run);
  return child == nullptr || child->pid <= 0 ? std::nullopt : std::optional(child->pid);
}

bool Waiter::wait_reaped(std::uint64_t owner, std::chrono::milliseconds bound) {
  std::unique_lock lock(mutex_);
  const auto is_reaped = [&] {
    return std::none_of(children_.begin(), children_.end(),
                        [owner](const auto& entry) { return entry.second.owner == owner; });
  };
  reaped_.wait_for(lock, bound, [&] { return is_stopping_ || is_reaped(); });
  return is_reaped();
}

void Waiter::loop() {
  std::array<Event, 32> buffer{};
  for (;;) {
    const auto bound = traced_.empty() ? std::nullopt : std::optional(kTracedInterval);
    for (const Event& event : queue_->wait(buffer, bound)) {
      const auto run = static_cast<std::uint32_t>(event.token / kParts);
      if (event.kind == Event::Kind::kReadable && event.token >= kFirstChannel) {
        read_channel(event.token - kFirstChannel);
      } else if (event.kind == Event::Kind::kReadable) {
        if (mover_.read(run, event.token % kParts - 1)) signal(run, SIGKILL);
      } else if (event.kind == Event::Kind::kExited) {
        hear_of(run);
        if (!reap(run)) traced_.push_back(run);
      }
    }
    std::erase_if(traced_, [this](std::uint32_t run) { return reap(run); });
    mover_.look();
    const std::lock_guard lock(mutex_);
    if (is_stopping_) return;
  }
}

void Waiter::read_channel(std::uint64_t owner) {
  std::shared_ptr<Channel> channel;
  {
    const std::lock_guard lock(mutex_);
    const auto found = channels_.find(owner);
    if (found == channels_.end()) return;
    channel = found->second;
  }
  if (channel->read()) return;
  forget_channel(owner, channel->fd);
  all_ended(owner);
}

void Waiter::started(std::uint32_t run) {
  std::function<void(pid_t)> tell;
  pid_t pid = -1;
  {
    const std::lock_guard lock(mutex_);
    const Child* const child = find(run);
    if (child == nullptr) return;
    pid = child->pid;
    tell = child->listener.started;
  }
  if (tell) tell(pid);
}

void Waiter::found_pid(std::uint32_t run, pid_t pid) {
  const std::lock_guard lock(mutex_);
  if (Child* const child = find(run)) child->pid = pid;
}

void Waiter::failed(std::uint32_t run, SysError error) {
  auto child = take(run);
  mover_.drop(run);
  if (child) child->listener.ended(std::move(error));
}

void Waiter::ended(std::uint32_t run, const Ending& ending) {
  hear_of(run);
  if (auto child = take(run)) deliver(std::move(*child), ending);
}

void Waiter::all_ended(std::uint64_t owner) {
  std::vector<std::uint32_t> runs;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [run, child] : children_) {
      if (child.owner == owner) runs.push_back(run);
    }
  }
  // Pid 1 reports every command that it lives to wait for. The commands that are left were killed with it.
  for (const std::uint32_t run : runs)
    ended(run, {.status = SIGKILL, .user_us = 0, .system_us = 0, .max_rss_bytes = 0});
}

void Waiter::hear_of(std::uint32_t run) {
  std::function<void()> tell;
  {
    const std::lock_guard lock(mutex_);
    Child* const child = find(run);
    if (child == nullptr) return;
    tell = std::exchange(child->listener.dead, nullptr);
  }
  if (tell) tell();
}

bool Waiter::reap(std::uint32_t run) {
  int status = 0;
  rusage usage{};
  pid_t waited = -1;
  {
    const std::lock_guard lock(mutex_);
    const Child* const child = find(run);
    if (child == nullptr) return true;
    waited = static_cast<pid_t>(without_interruption([&] { return ::wait4(child->pid, &status, WNOHANG, &usage); }));
  }
  if (waited == 0) return false;
  auto child = take(run);
  if (!child) return true;
  // ECHILD: SIGCHLD is ignored in this process, and the kernel reaped the child (wait(2)). Only how it ended is lost.
  deliver(std::move(*child), ending_of(waited < 0 ? SIGKILL : status, usage));
  return true;
}

std::optional<Child> Waiter::take(std::uint32_t run) {
  decltype(children_)::node_type taken;
  {
    const std::lock_guard lock(mutex_);
    taken = children_.extract(run);
  }
  if (taken.empty()) return std::nullopt;
  reaped_.notify_all();
  return std::move(taken.mapped());
}

void Waiter::deliver(Child child, const Ending& ending) {
  mover_.finish(child.run, [ended = std::move(child.listener.ended), ending](Moved moved) {
    ended(Exit{.ending = ending, .moved = std::move(moved)});
  });
}

}  // namespace buildjail
