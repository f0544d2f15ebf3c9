#pragma once

#include <poll.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "base/mailbox.h"
#include "base/result.h"
#include "launch/captured_bytes.h"

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
 * One direction of a command's bytes whose other end may be held up: a file of the host, a terminal. All calls come
 * from the one thread that moves them (FlowThread).
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
   * The command has ended, so its last output is on its way. Called again when the session is closed: then no process
   * that could write is left.
   */
  virtual void nothing_follows() = 0;
  /** Whether the command's end can be reported. To be called after nothing_follows. */
  [[nodiscard]] virtual bool is_settled() const = 0;
  /** Nothing has moved for too long. */
  virtual void give_up() {}
  /** Closes both ends. */
  virtual void end() = 0;
  /** Nothing moves any more. */
  [[nodiscard]] bool is_over() const noexcept { return is_over_; }
  /** Whether closing the session waits until this is over. */
  [[nodiscard]] virtual bool holds_up_closing() const = 0;
  [[nodiscard]] virtual bool is_input() const { return false; }
  [[nodiscard]] virtual std::optional<SysError> failure() const { return std::nullopt; }
  /** The end of the output to a stderr; null if the flow is not one. */
  [[nodiscard]] virtual const LastBytes* last_of_stderr() const { return nullptr; }

 protected:
  bool is_over_ = false;
};

/** Called on the thread of the flows, which holds no lock meanwhile. */
struct FlowListener {
  /** A flow failed: the command must be ended. Called again and again until `command_ended`. */
  std::function<void()> failed;
  /** The flows are settled, or one of them is over. */
  std::function<void()> changed;
};

/**
 * The flows of one command, on a thread of their own: a file system or a terminal that is held up holds up this command
 * and no other, and a busy event loop holds up none.
 *
 * It outlives its command where a process that the command left still has the other end of an output.
 */
class FlowThread {
 public:
  /** The result, as it was when the command had ended. */
  struct Settled {
    /** The failures of the files that stdin came from and output went to. */
    std::optional<SysError> input_failure;
    std::optional<SysError> output_failure;
    /** The end of the command's stderr, if that is a file of the host or a terminal. */
    std::optional<LastBytes> last_of_stderr;
  };

  static Result<std::unique_ptr<FlowThread>> start(std::vector<std::unique_ptr<Flow>> flows, FlowListener listener);
  FlowThread& operator=(FlowThread&&) = delete;
  /** Ends the flows where they are. Not on their own thread. */
  ~FlowThread();

  // Any thread. None of these waits.

  /** Calls `act` on the thread of the flows, unless it has ended. */
  void post(std::function<void()> act);
  /** Moves the command's last output, and then is settled. */
  void command_ended();
  /** Ends the flows that hold up closing, once they are settled. No process that could write may be left. */
  void end_when_settled();
  /** Empty until it is settled. */
  std::optional<Settled> settled();
  /** A flow is left for which closing the session waits. */
  [[nodiscard]] bool holds_up_closing() const { return holds_up_closing_; }
  /** Nothing moves any more. */
  [[nodiscard]] bool is_over() const { return is_over_; }

 private:
  using Clock = std::chrono::steady_clock;

  FlowThread(std::vector<std::unique_ptr<Flow>> flows, FlowListener listener, std::shared_ptr<Mailbox> mailbox)
      : flows_(std::move(flows)), listener_(std::move(listener)), mailbox_(std::move(mailbox)) {}

  void loop();
  void wait_and_move();
  /** How long this thread may wait, whatever its flows say. */
  [[nodiscard]] int longest_wait(bool is_settling) const;
  /** Reports changes. False when everything is over. */
  bool tell_progress();
  [[nodiscard]] bool has_failed() const;
  /** Whether a file still takes the command's output, within our patience. */
  [[nodiscard]] bool is_settling() const;

  // Of the thread.
  std::vector<std::unique_ptr<Flow>> flows_;
  FlowListener listener_;
  bool is_command_ended_ = false;
  bool is_ending_ = false;
  bool is_settled_told_ = false;
  bool is_stopping_ = false;
  Clock::time_point last_happened_ = Clock::now();

  std::shared_ptr<Mailbox> mailbox_;
  std::mutex mutex_;
  std::optional<Settled> settled_;
  std::atomic<bool> holds_up_closing_ = true;
  std::atomic<bool> is_over_ = false;
  std::thread thread_;
};

}  // namespace buildjail
