#pragma once

#include <poll.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/sys_error.h"

namespace buildjail {

/**
 * How much a command may write to stdout and stderr together. There is one for each command with such a limit, and
 * every reader of its output spends from it: the mover, and JavaScript for the pipes that it reads. Any thread.
 */
class StdioBudget {
 public:
  /** `exceeded` is called once, on the thread that read too much, and must not wait. */
  StdioBudget(std::uint64_t most, std::function<void()> exceeded) : most_(most), exceeded_(std::move(exceeded)) {}

  /** Returns how many of the bytes are within the budget. */
  std::size_t spend(std::size_t bytes) {
    const std::uint64_t before = spent_.fetch_add(bytes);
    if (before > most_) return 0;
    const std::uint64_t left = most_ - before;
    if (bytes <= left) return bytes;
    // defence: command-writes-too-much
    exceeded_();
    return static_cast<std::size_t>(left);
  }

 private:
  std::uint64_t most_;
  std::atomic<std::uint64_t> spent_ = 0;
  std::function<void()> exceeded_;
};

/** Null: the command has no such limit. */
using SharedStdioBudget = std::shared_ptr<StdioBudget>;

/**
 * One way of a command's bytes whose other end may be held up: a file of the host, a terminal. All calls come from the
 * one thread that moves them (mover.h).
 */
class Flow {
 public:
  virtual ~Flow() = default;
  Flow& operator=(Flow&&) = delete;

  /** Adds the descriptors to wait for. Returns for how long at most, in milliseconds; -1: for any time. */
  [[nodiscard]] virtual int await(std::vector<pollfd>& awaited) const = 0;
  /** Moves what can be moved now. Gets back the descriptors that `await` added, whether or not anything happened. */
  virtual void move(std::span<const pollfd> happened) = 0;
  /**
   * The command has ended: what it wrote is on its way now. Called again when the session is closed: then no process
   * that could write is left.
   */
  virtual void nothing_follows() = 0;
  /** After that: the command's end can be told. */
  [[nodiscard]] virtual bool is_settled() const = 0;
  /** Nothing has moved for too long. */
  virtual void give_up() {}
  /** Closes both ends. */
  virtual void end() = 0;
  /** Nothing moves any more. */
  [[nodiscard]] virtual bool is_over() const = 0;
  /** Whether closing the session waits until this is over. */
  [[nodiscard]] virtual bool holds_up_closing() const = 0;
  [[nodiscard]] virtual bool is_input() const { return false; }
  [[nodiscard]] virtual std::optional<SysError> failure() const { return std::nullopt; }
};

}  // namespace buildjail
