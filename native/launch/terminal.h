#pragma once

#include <sys/ioctl.h>
#include <termios.h>

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "launch/flow_thread.h"
#include "launch/launch_request.h"

namespace buildjail {

/**
 * The terminal that is the host program's stdin, while commands have what is typed into it. All such commands share one
 * of these, and the last that goes gives the terminal its mode back. Any thread.
 */
class HostTerminal {
 public:
  /**
   * kKeys: each keystroke goes to the command as it is, and the command's own terminal handles Ctrl-C. kLines: this
   * terminal keeps its mode, and lines are passed on.
   */
  enum class Typing : bool { kLines, kKeys };

  HostTerminal(UniqueFd fd, const termios& before, Typing typing)
      : fd_(std::move(fd)), before_(before), typing_(typing) {}
  HostTerminal& operator=(HostTerminal&&) = delete;
  ~HostTerminal() { give_back(); }

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] Typing typing() const noexcept { return typing_; }
  /** The mode before the first command. */
  termios mode_before();
  /**
   * Whether typed bytes are for the command now. They are not while this process is in the background (tcsetpgrp(3)),
   * nor while another program of the same pipeline, such as a pager, has the terminal in its own mode.
   */
  bool take();
  /** Sets the mode from before, until the terminal is taken again. */
  void lend_back();
  /** The same, for good. */
  void give_back();

 private:
  /** Null if the terminal was hung up. */
  [[nodiscard]] std::optional<termios> mode_now() const;

  UniqueFd fd_;
  std::mutex mutex_;
  termios before_;
  Typing typing_;
  /** The mode that we have set. */
  std::optional<termios> ours_;
  bool is_over_ = false;
};

/**
 * Opens one of the host program's standard descriptors, which is a terminal, as an open file of our own: reading and
 * writing never wait, and others that have the terminal open do not notice. Where it is not the controlling terminal
 * this cannot be done, and the result is the same open file.
 */
UniqueFd open_own_terminal(int number);

/** The terminal that a command gets, and the terminal of ours that it stands for. */
struct CommandTerminal {
  /** Which of the standard descriptors it is. */
  std::array<bool, 3> streams{};
  /**
   * A person types into it, so it is the command's controlling terminal. Otherwise it cannot be read from and controls
   * nothing, because a program that asks a question by /dev/tty would wait for ever.
   */
  bool is_typed_into = false;
  /** Null: as the kernel makes it. */
  std::optional<termios> mode;
  winsize size{};
  /** The terminal of ours that is typed into; null if no person types, or JavaScript writes to a pipe. */
  std::shared_ptr<HostTerminal> keyboard;
  /** The number of our descriptor that shows its output; -1 if that goes to JavaScript by a pipe. */
  int screen = -1;

  /** The first of the standard descriptors that it is. */
  [[nodiscard]] int first_stream() const noexcept { return streams[0] ? 0 : streams[1] ? 1 : 2; }
};

/**
 * The terminals of this process that commands stand in for. No command gets one of ours: it gets a terminal of its own,
 * and TerminalFlow passes on what goes through it. Any thread.
 */
class HostTerminals {
 public:
  /** The terminal that a command needs. Empty if none of its standard descriptors is a terminal. */
  Result<std::optional<CommandTerminal>> wanted_by(const LaunchRequest& request);
  /** To be called before a signal that ends this process: our terminal gets its mode back, and keeps it. */
  void give_back();

 private:
  Result<std::shared_ptr<HostTerminal>> keyboard();

  std::mutex mutex_;
  std::weak_ptr<HostTerminal> keyboard_;
};

/** Passes on the typed bytes and the output of a command's terminal. */
class TerminalFlow final : public Flow {
 public:
  struct Ends {
    /** Our side of the command's terminal; does not wait. */
    UniqueFd master;
    /** The source of typed bytes; empty if no person types. A pipe does not wait. */
    UniqueFd input;
    /** The same, if it is a terminal. */
    std::shared_ptr<HostTerminal> keyboard;
    /** The place for written bytes. A pipe does not wait. */
    UniqueFd output;
    /** `output` is a terminal. */
    bool is_screen = false;
    /** The command's stderr is this terminal. */
    bool has_stderr = false;
    SharedStdioBudget budget{};
  };

  explicit TerminalFlow(Ends ends) : ends_(std::move(ends)) {
    if (ends_.has_stderr) last_.emplace();
    look_again();
  }

  /**
   * Nothing is typed before this. FreeBSD has no room for it until the command has opened its terminal, and loses it
   * (tty_watermarks in sys/kern/tty.c).
   */
  void opened() { is_open_ = true; }
  /** The command's terminal has another size, and the kernel tells the command (SIGWINCH). */
  void resize(const winsize& size) { static_cast<void>(::ioctl(ends_.master.get(), TIOCSWINSZ, &size)); }
  /** Our terminal may have another size, or this process may have been stopped and go on. */
  void look_again();

  [[nodiscard]] int await(std::vector<pollfd>& awaited) const override;
  void move(std::span<const pollfd> happened) override;
  void nothing_follows() override;
  /** Everything was passed on, or a pipe is full, whose reader may wait for the command's end first. */
  [[nodiscard]] bool is_settled() const override { return is_over_ || is_reader_slow_; }
  void end() override;
  /** A person may hold up a terminal for any time. */
  [[nodiscard]] bool holds_up_closing() const override { return false; }
  [[nodiscard]] const LastBytes* last_of_stderr() const override { return last_ ? &*last_ : nullptr; }

 private:
  struct Buffer {
    std::array<std::byte, 4096> bytes;  // NOLINT(cppcoreguidelines-pro-type-member-init): what is used was read
    std::size_t begin = 0;
    std::size_t end = 0;
    [[nodiscard]] bool is_empty() const noexcept { return begin == end; }
    void clear() noexcept { begin = end = 0; }
  };
  /** The descriptors that `await` adds, in this order. */
  enum Polled : std::size_t { kInput, kMaster, kOutput, kPolled };

  [[nodiscard]] int milliseconds_to_wait() const;
  void copy_size();
  void read_input();
  void stop_program(std::size_t typed_before);
  void end_input(bool is_last);
  void read_master();
  void write_master();
  void write_output();

  Ends ends_;
  Buffer typed_;
  Buffer shown_;
  std::optional<LastBytes> last_;
  /** The kernel keeps typed bytes for the command's terminal. */
  bool is_open_ = false;
  /** The last line that was typed is complete. */
  bool is_line_over_ = true;
  /** Typed bytes go to another program now. */
  bool is_typing_elsewhere_ = false;
  /** No process has the command's terminal open. It may be opened again by its name. */
  bool is_silent_ = false;
  bool is_finishing_ = false;
  /** The command's terminal has no output left in it. */
  bool is_drained_ = false;
  std::size_t left_to_drain_ = 0;
  bool is_reader_slow_ = false;
};

}  // namespace buildjail
