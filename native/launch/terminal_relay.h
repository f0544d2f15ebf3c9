#pragma once

#include <sys/ioctl.h>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/result.h"
#include "base/unique_fd.h"
#include "launch/host_terminal.h"
#include "launch/output_budget.h"

namespace buildjail {

/**
 * Passes on what is typed into a command's terminal and what is written to it. Has a thread of its own, as a terminal
 * of a person's may be held up for as long as the person likes.
 */
class TerminalRelay {
 public:
  struct Ends {
    /** The side of the command's terminal that is not the command's; does not wait. */
    UniqueFd master;
    /** From which is typed; empty where nobody does. */
    UniqueFd input;
    /** The same where it is a terminal. */
    std::shared_ptr<HostTerminal> keyboard;
    /** To which what is written goes. */
    UniqueFd output;
    /** That is a terminal. */
    bool is_screen = false;
    /** Of the command. */
    SharedOutputBudget budget{};
  };

  static Result<std::unique_ptr<TerminalRelay>> start(Ends ends);
  TerminalRelay(const TerminalRelay&) = delete;
  TerminalRelay& operator=(const TerminalRelay&) = delete;
  TerminalRelay(TerminalRelay&&) = delete;
  TerminalRelay& operator=(TerminalRelay&&) = delete;
  /** Ends it at once, and waits for that. Not on its own thread. */
  ~TerminalRelay();

  /**
   * The command has ended. `then` is called on the relay's thread when everything that the command wrote was passed on,
   * or as soon as a pipe is full, whose reader may want to hear of the end first.
   */
  void finish(std::function<void()> then);
  /** It was called, and the thread has nothing more to do. */
  [[nodiscard]] bool is_done();
  /**
   * Nothing is typed before this. FreeBSD has no room for it until the command has opened its terminal, and loses it
   * (tty_watermarks in sys/kern/tty.c).
   */
  void opened();
  /** The command's terminal has another size, and the command is told (SIGWINCH). */
  void resize(const winsize& size);
  /** Our terminal may have another size, or this process may have been stopped and go on. */
  void look_again();

 private:
  struct Buffer {
    std::array<std::byte, 4096> bytes;  // NOLINT(cppcoreguidelines-pro-type-member-init): what is used was read
    std::size_t begin = 0;
    std::size_t end = 0;
    [[nodiscard]] bool is_empty() const noexcept { return begin == end; }
    void clear() noexcept { begin = end = 0; }
  };
  /** What other threads ask of it. */
  struct Asked {
    std::optional<winsize> size;
    std::function<void()> then;
    bool is_finish = false;
    bool is_stop = false;
    bool is_look = false;
    bool is_open = false;
  };

  TerminalRelay(Ends ends, std::array<UniqueFd, 2> wake) : ends_(std::move(ends)), wake_(std::move(wake)) {}
  void ask(const std::function<void(Asked&)>& change);
  void run();
  /** False at the end. */
  bool pass();
  [[nodiscard]] int milliseconds_to_wait() const;
  /** False when it is to stop. */
  bool hear();
  void copy_size();
  void read_input();
  void end_input(bool is_last);
  void read_master();
  void write_master();
  void write_output();
  void tell();

  Ends ends_;
  std::array<UniqueFd, 2> wake_;

  std::mutex mutex_;
  Asked asked_;
  bool is_done_ = false;

  // Of its thread.
  Buffer typed_;
  Buffer shown_;
  /** What is typed into the command's terminal is kept. */
  bool is_open_ = false;
  /** Of what was typed, the last line has its end. */
  bool is_line_over_ = true;
  /** What is typed is for somebody else now. */
  bool is_typing_elsewhere_ = false;
  /** Nobody has the command's terminal open. Somebody may open it again by its name. */
  bool is_silent_ = false;
  bool is_finishing_ = false;
  /** Nothing that is the command's is left in its terminal. */
  bool is_drained_ = false;
  std::size_t left_to_drain_ = 0;
  std::function<void()> then_;
  std::thread thread_;
};

}  // namespace buildjail
