#pragma once

#include <sys/types.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/result.h"

namespace buildjail {

/** An event. The token is the one that was passed when it was asked for. */
struct Event {
  enum class Kind : std::uint8_t { kWoken, kExited, kReadable } kind;
  std::uint64_t token;
};

/** A process or a descriptor, by its number, and the token by which its events are known. */
struct Watched {
  int number;
  std::uint64_t token;
};

/** The kernel's event queue: kqueue(2) on FreeBSD, epoll(7) on Linux. Any thread may add to it; one thread waits. */
class EventQueue {
 public:
  static Result<std::unique_ptr<EventQueue>> create();
  virtual ~EventQueue() = default;

  /**
   * Reports once that a child of ours has ended, and each descriptor as watch_readable does, in one call. On Linux pid
   * 1 of a session waits for commands, and this process does not.
   */
  virtual Status watch_process(Watched, std::span<const Watched>) {
    errno = ENOSYS;
    return last_error("wait", "watch_process");
  }
  /**
   * Reports each descriptor, again and again, when it can be read or its end was reached. On failure some of them may
   * be watched.
   */
  virtual Status watch_readable(std::span<const Watched> readable) = 0;
  /** Tells of a descriptor that is watched also while it can be written to, or no more; on Linux. */
  virtual Status watch_room(Watched, bool /* is_wanted */) {
    errno = ENOSYS;
    return last_error("wait", "watch_room");
  }
  /** To be called before a watched descriptor is closed. */
  virtual void forget_readable(int fd) = 0;
  /** Makes a wait return. */
  virtual void wake() = 0;
  /** Fills a part of `events` and returns it. Empty if the bound, if there is one, is reached first. */
  virtual std::span<Event> wait(std::span<Event> events, std::optional<std::chrono::milliseconds> bound) = 0;
};

}  // namespace buildjail
