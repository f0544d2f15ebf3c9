#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/result.h"

namespace buildjail {

/** What happened, as told to whoever waits: the token that was given when it was asked for. */
struct Event {
  enum class Kind : std::uint8_t { kWoken, kExited, kReadable } kind;
  std::uint64_t token;
};

/** The number of a process or a descriptor, and what of it is told by. */
struct Watched {
  int number;
  std::uint64_t token;
};

/**
 * The kernel's event queue: kqueue(2) on FreeBSD, epoll(7) with pidfds on Linux. Any thread may add to it; one thread
 * waits.
 */
class EventQueue {
 public:
  static Result<std::unique_ptr<EventQueue>> create();
  virtual ~EventQueue() = default;

  /**
   * A child of ours that nobody has waited for, which is told once; and of each of the descriptors, again and again,
   * that there is something to read or that the end was reached. On failure some of them may be watched.
   */
  virtual Status watch(Watched child, std::span<const Watched> readable) = 0;
  /** Comes before a descriptor that is watched is closed. */
  virtual void forget_readable(int fd) = 0;
  /** Makes a wait return. */
  virtual void wake() = 0;
  /** Fills a part of `events` and returns it; nothing when the bound, where there is one, is reached first. */
  virtual std::span<Event> wait(std::span<Event> events, std::optional<std::chrono::milliseconds> bound) = 0;
};

}  // namespace buildjail
