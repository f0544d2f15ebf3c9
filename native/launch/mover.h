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
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "launch/captured_bytes.h"
#include "launch/event_queue.h"
#include "launch/flow_thread.h"
#include "launch/launch_request.h"
#include "launch/stdio_ends.h"

namespace buildjail {

/** Our end of a pipe whose content is kept, up to a bound; what exceeds the bound is read and dropped. */
struct CapturedStream {
  /** A read(2) of it must not wait when poll(2) saw something in it. -1 when it was closed. */
  UniqueFd fd;
  /** Kept open as long, so that the waiter does not wake up when the command closes its own end. */
  UniqueFd command_end;
  SharedStdioBudget budget;
  /** Empty if the stream is not captured. */
  std::optional<CapturedBytes> bytes;
  bool is_over_bound = false;

  /** The capacity of a pipe on both systems, grown: one read empties it. */
  static constexpr std::size_t kReadSize = 65536;

  /**
   * To be called after an event of it. Reads the result of one read(2), and returns its size; 0 at the end of the
   * stream. Empty if there is nothing now.
   */
  std::optional<std::size_t> read_some(std::size_t most = kReadSize);
  /** Reads what is there now: a process that outlives the command may hold the other end for as long as it likes. */
  void drain();
  void close() {
    fd.reset();
    command_end.reset();
  }
};

/** The captured bytes of a command and the failures of its files, once everything that it wrote is in its place. */
struct Moved {
  /** A captured stream exceeded its bound. */
  bool is_max_buffer = false;
  /** stdout and stderr, where captured. */
  std::array<std::optional<CapturedBytes>, 2> output;
  FlowThread::Settled files;
};

/**
 * Moves the bytes of commands to and from captured streams, files of the host and terminals. Captured streams never
 * wait, so the waiter's thread reads them. Files and terminals have a thread for each command.
 *
 * JavaScript reads and writes its own pipes itself. The kernel's pipe is the back-pressure there, and another thread
 * between the two would add a copy and a wake-up and bound nothing. The bytes that JavaScript reads are spent from the
 * same budget.
 * Any thread, except where it says otherwise.
 */
class Mover {
 public:
  /** The waiter's: waking it up makes the waiter's thread call `look`. */
  explicit Mover(EventQueue& queue) : queue_(queue) {}
  Mover& operator=(Mover&&) = delete;
  ~Mover() { stop(); }

  /** To be called before the launch. `failed` is as FlowListener's. */
  Status begin(const LaunchRequest& request, std::uint64_t owner, StdioEnds& ends, std::function<void()> failed);
  /** The command's captured stdout and stderr, to be watched; -1 if not captured. */
  std::array<int, 2> captured(std::uint32_t run);
  /** To be called if there was no launch. */
  void drop(std::uint32_t run);
  /** The command has opened its terminal: see TerminalFlow::opened. */
  void opened(std::uint32_t run);
  /** False if the command has no terminal, or has ended. */
  bool resize(std::uint32_t run, const winsize& size);
  /** See TerminalFlow::look_again; of all commands. */
  void look_at_terminals();
  /** To be called when no process of an owner is left: waits until its files have everything. False at the bound. */
  bool end(std::uint64_t owner, std::chrono::milliseconds bound);
  /** Ends everything where it is, and `end` waits no more. A second call does nothing. */
  void stop();

  // On the waiter's thread.

  /** To be called after an event of a captured stream. True if the stream exceeded its bound. */
  bool read(std::uint32_t run, std::size_t stream);
  /** The command has ended. Calls `then` here, or `look` does once all of the command's output is in its place. */
  void finish(std::uint32_t run, const std::function<void(Moved)>& then);
  /** Reports each command whose bytes have all arrived, and lets its thread go. */
  void look();

 private:
  struct Command {
    std::uint64_t owner = 0;
    std::array<CapturedStream, 2> captured;
    /** Null if it has neither files nor a terminal. */
    std::unique_ptr<FlowThread> flows;
    /** One of the flows: used on their thread only. */
    TerminalFlow* terminal = nullptr;
    bool is_ended = false;
    Moved moved;
    /** Empty while the command runs, and once it was called. */
    std::function<void(Moved)> then;
  };

  /** Null if there is none. The caller holds the lock. */
  Command* find(std::uint32_t run);
  static Moved take_captured(Command& command);
  void close_captured(Command& command);

  EventQueue& queue_;
  std::mutex mutex_;
  std::condition_variable changed_closing_;
  std::map<std::uint32_t, Command> commands_;
  /** Runs whose flows have changed. */
  std::vector<std::uint32_t> changed_;
  bool is_stopping_ = false;
};

}  // namespace buildjail
