#include "freebsd/process_end.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <cerrno>
#include <utility>

namespace buildjail {

namespace {

constexpr std::int64_t kMicroseconds = 1000000;
constexpr std::int64_t kKilobyte = 1024;

std::int64_t microseconds(const timeval& time) { return time.tv_sec * kMicroseconds + time.tv_usec; }

}  // namespace

Result<std::shared_ptr<EventThread>> wait_for_end(pid_t child, std::function<void()> tell) {
  struct kevent event{};
  // An exit that happened before is told as well: a zombie can still be attached to (kqueue(2), EVFILT_PROC).
  EV_SET(&event, static_cast<uintptr_t>(child), EVFILT_PROC, EV_ADD | EV_ONESHOT, NOTE_EXIT, 0, nullptr);
  return EventThread::start(event, [tell = std::move(tell)](const struct kevent&) {
    tell();
    return false;
  });
}

ProcessEnd take_end(pid_t child) {
  int status = 0;
  rusage usage{};
  while (::wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  return {.status = status,
          .user_us = microseconds(usage.ru_utime),
          .system_us = microseconds(usage.ru_stime),
          .max_rss_bytes = usage.ru_maxrss * kKilobyte};
}

}  // namespace buildjail
