#include "launch/exit_waiter.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

namespace buildjail {

namespace {

// A token is the run's number and which of its three things it is about: its exit, its stdout, its stderr.
constexpr std::uint64_t kParts = 4;
constexpr std::uint64_t exit_token(std::uint32_t run) { return run * kParts; }
constexpr std::uint64_t stream_token(std::uint32_t run, std::size_t stream) { return run * kParts + 1 + stream; }

// Linux waits for a child that was cloned, and killed before it executed anything, only if asked to (wait(2), __WALL).
#ifdef __WALL
constexpr int kAnyChild = __WALL;
#else
constexpr int kAnyChild = 0;
#endif

// Who debugs a command waits for it first, and of when that is done no event queue tells. It is rare, and a wait4(2)
// that blocks would keep all others from being heard of.
constexpr std::chrono::milliseconds kTracedInterval{5};

std::int64_t microseconds(const timeval& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000 + time.tv_usec;
}

}  // namespace

Result<std::shared_ptr<ExitWaiter>> ExitWaiter::start(std::function<void(Exit)> deliver,
                                                      std::function<void(std::uint32_t run)> hear) {
  auto queue = EventQueue::create();
  if (!queue) return std::move(queue.error());
  return std::shared_ptr<ExitWaiter>(new ExitWaiter(std::move(*queue), std::move(deliver), std::move(hear)));
}

ExitWaiter::ExitWaiter(std::unique_ptr<EventQueue> queue, std::function<void(Exit)> deliver,
                       std::function<void(std::uint32_t run)> hear)
    : queue_(std::move(queue)), deliver_(std::move(deliver)), hear_(std::move(hear)), thread_([this] { loop(); }) {}

void ExitWaiter::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  reaped_.notify_all();
  if (!thread_.joinable()) return;
  queue_->wake();
  thread_.join();
}

Status ExitWaiter::adopt(pid_t pid, std::uint64_t owner, const LaunchRequest& request, StdioEnds& ends,
                         std::function<void()> when_exited) {
  if (pid <= 0)
    return SysError{.step = "launch", .syscall = "fork", .err = ESRCH, .path = {}, .dest = {}, .detail = {}};
  Child child{.run = request.run,
              .pid = pid,
              .owner = owner,
              .streams = {},
              .when_exited = std::move(when_exited),
              .is_last = request.is_last};
  for (std::size_t i = 0; i < child.streams.size(); ++i) {
    if (request.stdio.at(i + 1).kind != StdioKind::kCapture) continue;
    child.streams.at(i) =
        CapturedStream(std::move(ends.ours.at(i + 1)), std::move(ends.child.at(i + 1)), request.max_buffer);
  }
  auto status = watch(std::move(child));
  if (status) return status;
  static_cast<void>(::kill(pid, SIGKILL));
  while (::wait4(pid, nullptr, kAnyChild, nullptr) < 0 && errno == EINTR) {
  }
  return status;
}

Status ExitWaiter::watch(Child child) {
  const std::uint32_t run = child.run;
  const pid_t pid = child.pid;
  const std::lock_guard lock(mutex_);
  const auto& watched = children_.insert_or_assign(run, std::move(child)).first->second;
  std::vector<Watched> streams;
  for (std::size_t i = 0; i < watched.streams.size(); ++i) {
    const int fd = watched.streams.at(i).fd();
    if (fd >= 0) streams.push_back({.number = fd, .token = stream_token(run, i)});
  }
  auto status = queue_->watch({.number = pid, .token = exit_token(run)}, streams);
  if (!status) children_.erase(run);
  return status;
}

bool ExitWaiter::signal(std::uint32_t run, int signal) {
  const std::lock_guard lock(mutex_);
  const auto found = children_.find(run);
  return found != children_.end() && ::kill(-found->second.pid, signal) == 0;
}

bool ExitWaiter::wait_reaped(std::uint64_t owner, std::chrono::milliseconds bound) {
  std::unique_lock lock(mutex_);
  const auto is_reaped = [&] {
    return std::none_of(children_.begin(), children_.end(),
                        [owner](const auto& entry) { return entry.second.owner == owner; });
  };
  reaped_.wait_for(lock, bound, [&] { return is_stopping_ || is_reaped(); });
  return is_reaped();
}

void ExitWaiter::loop() {
  std::array<Event, 32> buffer{};
  for (;;) {
    const auto bound = traced_.empty() ? std::nullopt : std::optional(kTracedInterval);
    for (const Event& event : queue_->wait(buffer, bound)) {
      const auto run = static_cast<std::uint32_t>(event.token / kParts);
      if (event.kind == Event::Kind::kReadable) read(run, event.token % kParts - 1);
      if (event.kind != Event::Kind::kExited) continue;
      hear_of(run);
      if (!reap(run)) traced_.push_back(run);
    }
    std::erase_if(traced_, [this](std::uint32_t run) { return reap(run); });
    const std::lock_guard lock(mutex_);
    if (is_stopping_) return;
  }
}

void ExitWaiter::hear_of(std::uint32_t run) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = children_.find(run);
    if (found == children_.end() || !found->second.is_last) return;
  }
  hear_(run);
}

void ExitWaiter::read(std::uint32_t run, std::size_t stream) {
  const std::lock_guard lock(mutex_);
  const auto found = children_.find(run);
  if (found == children_.end()) return;
  auto& captured = found->second.streams.at(stream);
  if (captured.fd() >= 0 && !captured.read_some()) {
    queue_->forget_readable(captured.fd());
    captured.close();
  }
  if (captured.is_over_bound()) static_cast<void>(::kill(-found->second.pid, SIGKILL));
}

bool ExitWaiter::reap(std::uint32_t run) {
  std::unique_lock lock(mutex_);
  const auto found = children_.find(run);
  if (found == children_.end()) return true;
  int status = 0;
  rusage usage{};
  pid_t waited = -1;
  do {
    waited = ::wait4(found->second.pid, &status, kAnyChild | WNOHANG, &usage);
  } while (waited < 0 && errno == EINTR);
  if (waited == 0) return false;
  Child child = std::move(found->second);
  children_.erase(found);
  lock.unlock();
  reaped_.notify_all();
  if (child.when_exited) child.when_exited();

  // ECHILD: somebody set SIGCHLD to be ignored, and the kernel reaped it (wait(2)). How it ended is lost, that it ended
  // is not.
  Exit exit{.run = run,
            .status = waited < 0 ? SIGKILL : status,
            .user_us = microseconds(usage.ru_utime),
            .system_us = microseconds(usage.ru_stime),
            .max_rss_bytes = static_cast<std::int64_t>(usage.ru_maxrss) * 1024,
            .is_max_buffer = false,
            .output = {}};
  for (std::size_t i = 0; i < child.streams.size(); ++i) {
    auto& stream = child.streams.at(i);
    if (!stream.is_captured()) continue;
    stream.drain();
    exit.is_max_buffer |= stream.is_over_bound();
    exit.output.at(i) = stream.take();
  }
  deliver_(std::move(exit));
  // Nobody waits for that.
  for (const CapturedStream& stream : child.streams) {
    if (stream.fd() >= 0) queue_->forget_readable(stream.fd());
  }
  return true;
}

}  // namespace buildjail
