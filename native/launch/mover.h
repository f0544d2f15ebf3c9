#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "launch/event_queue.h"
#include "launch/flow.h"
#include "launch/launch_request.h"
#include "launch/stdio_ends.h"

namespace buildjail {

/** Our end of a pipe whose content is kept, up to a bound; what exceeds the bound is read and dropped. */
class CapturedStream {
 public:
  CapturedStream() = default;
  /**
   * A read(2) of `fd` must not wait when poll(2) saw something in it. `command_end` is kept open as long, so that a
   * command which closes its own end, as it does when it ends, wakes nobody up.
   */
  CapturedStream(UniqueFd fd, UniqueFd command_end, std::uint64_t bound, SharedStdioBudget budget)
      : fd_(std::move(fd)),
        command_end_(std::move(command_end)),
        bound_(bound),
        budget_(std::move(budget)),
        is_captured_(true) {}

  /** Comes after an event of it. Reads what one read(2) gives; false at the end of the stream. */
  bool read_some();
  /** Reads what is there now: a process that outlives the command may hold the other end for as long as it likes. */
  void drain();

  /** -1 when it was closed. */
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  void close() {
    fd_.reset();
    command_end_.reset();
  }
  [[nodiscard]] bool is_captured() const noexcept { return is_captured_; }
  [[nodiscard]] bool is_over_bound() const noexcept { return is_over_bound_; }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  /** How much was read; 0 at the end. Nothing when there is nothing now. */
  std::optional<std::size_t> read_at_most(std::size_t size);

  UniqueFd fd_;
  UniqueFd command_end_;
  std::vector<std::byte> bytes_;
  std::uint64_t bound_ = 0;
  SharedStdioBudget budget_;
  bool is_captured_ = false;
  bool is_over_bound_ = false;
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
  /** What came of the files, by the time that the command had ended. */
  struct Settled {
    std::optional<SysError> input_failure;
    std::optional<SysError> output_failure;
  };

  static Result<std::unique_ptr<FlowThread>> start(std::vector<std::unique_ptr<Flow>> flows, FlowListener listener);
  FlowThread(const FlowThread&) = delete;
  FlowThread& operator=(const FlowThread&) = delete;
  FlowThread(FlowThread&&) = delete;
  FlowThread& operator=(FlowThread&&) = delete;
  /** Ends the flows where they are. Not on their own thread. */
  ~FlowThread();

  // Any thread. None of these waits.

  /** Calls `act` on the thread of the flows, unless it has ended. */
  void post(std::function<void()> act);
  /** Moves what the command had written to its end, and then is settled. */
  void command_ended();
  /** Ends the flows that hold up closing, once they are settled. Nobody is left who could write. */
  void end_when_settled();
  /** Nothing until it is settled. */
  std::optional<Settled> settled();
  /** A flow is left for which closing the session waits. */
  bool holds_up_closing();
  /** Nothing moves any more. */
  bool is_over();

 private:
  using Clock = std::chrono::steady_clock;

  FlowThread(std::vector<std::unique_ptr<Flow>> flows, FlowListener listener, UniqueFd wake)
      : flows_(std::move(flows)), listener_(std::move(listener)), wake_(std::move(wake)) {}

  void loop();
  void do_posted();
  void wait_and_move();
  /** Tells what has changed. False when everything is over. */
  bool tell_progress();
  [[nodiscard]] bool has_failed() const;
  /** A file takes what the command wrote, and we lose patience. */
  [[nodiscard]] bool is_settling() const;

  // Of the thread.
  std::vector<std::unique_ptr<Flow>> flows_;
  FlowListener listener_;
  bool is_command_ended_ = false;
  bool is_ending_ = false;
  bool is_settled_told_ = false;
  bool is_stopping_ = false;
  Clock::time_point last_happened_ = Clock::now();

  UniqueFd wake_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  std::optional<Settled> settled_;
  bool holds_up_closing_ = true;
  bool is_over_ = false;
  std::thread thread_;
};

/** What came of a command's bytes, once all that it wrote itself is where it goes. */
struct Moved {
  /** A captured stream exceeded its bound. */
  bool is_max_buffer = false;
  /** stdout and stderr, where captured. */
  std::array<std::optional<std::vector<std::byte>>, 2> output;
  /** Of the file that stdin came from, or that output went to. */
  std::optional<SysError> input_failure;
  std::optional<SysError> output_failure;
};

/**
 * Has every byte of every command, whatever it comes from or goes to: captured streams, files of the host, terminals.
 * Captured streams never wait, so the waiter's thread reads them. Files and terminals have a thread for each command.
 *
 * JavaScript reads and writes its own pipes itself. The kernel's pipe is the back-pressure there, and another thread
 * between the two would add a copy and a wake-up and bound nothing: only what it reads is spent from the same budget.
 * Any thread, except where it says otherwise.
 */
class Mover {
 public:
  /** The waiter's: waking it up makes the waiter's thread call `look`. */
  explicit Mover(EventQueue& queue) : queue_(queue) {}
  Mover(const Mover&) = delete;
  Mover& operator=(const Mover&) = delete;
  Mover(Mover&&) = delete;
  Mover& operator=(Mover&&) = delete;
  ~Mover() { stop(); }

  /** Comes before the launch. `failed` is as FlowListener's. */
  Status begin(const LaunchRequest& request, std::uint64_t owner, StdioEnds& ends, std::function<void()> failed);
  /** The command's captured stdout and stderr, to be watched; -1 where not captured. */
  std::array<int, 2> captured(std::uint32_t run);
  /** There was no launch. */
  void drop(std::uint32_t run);
  /** The command has opened its terminal: see TerminalFlow::opened. */
  void opened(std::uint32_t run);
  /** False where the command has no terminal, or has ended. */
  bool resize(std::uint32_t run, TerminalSize size);
  /** See TerminalFlow::look_again; of all commands. */
  void look_at_terminals();
  /** No process of an owner is left: waits until its files have everything. False when the bound is reached first. */
  bool end(std::uint64_t owner, std::chrono::milliseconds bound);
  /** Ends everything where it is, and `end` waits no more. Again: nothing to do. */
  void stop();

  // On the waiter's thread.

  /** Comes after an event of a captured stream. True when it exceeded its bound. */
  bool read(std::uint32_t run, std::size_t stream);
  /** The command has ended. Calls `then` here, or `look` does once all that the command wrote is where it goes. */
  void finish(std::uint32_t run, const std::function<void(Moved)>& then);
  /** Calls what is to be called. */
  void look();

 private:
  struct Command {
    std::uint64_t owner = 0;
    std::array<CapturedStream, 2> captured;
    /** Null where it has neither files nor a terminal. */
    std::unique_ptr<FlowThread> flows;
    /** One of the flows: used on their thread only. */
    TerminalFlow* terminal = nullptr;
    bool is_ended = false;
    Moved moved;
    /** Empty while the command runs, and once it was called. */
    std::function<void(Moved)> then;
  };

  static Moved take_captured(Command& command);
  void close_captured(Command& command);

  EventQueue& queue_;
  std::mutex mutex_;
  std::condition_variable changed_closing_;
  std::map<std::uint32_t, Command> commands_;
  /** Runs whose flows have something to tell. */
  std::vector<std::uint32_t> changed_;
  bool is_stopping_ = false;
};

}  // namespace buildjail
