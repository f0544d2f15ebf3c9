#pragma once

#include <sys/ioctl.h>
#include <termios.h>

#include <array>
#include <memory>
#include <mutex>
#include <optional>

#include "base/result.h"
#include "base/unique_fd.h"
#include "launch/launch_request.h"

namespace buildjail {

/**
 * The terminal that is the host program's stdin, while commands have what is typed into it. All such commands share one
 * of these, and the last that goes gives the terminal its mode back. Any thread.
 */
class HostTerminal {
 public:
  /**
   * kKeys: each keystroke goes to the command as it is, and the command's own terminal makes of Ctrl-C what it is.
   * kLines: this terminal keeps its mode, and lines are passed on.
   */
  enum class Typing : bool { kLines, kKeys };

  static Result<std::shared_ptr<HostTerminal>> of_stdin();
  HostTerminal(UniqueFd fd, const termios& before, Typing typing)
      : fd_(std::move(fd)), before_(before), typing_(typing) {}
  HostTerminal& operator=(HostTerminal&&) = delete;
  ~HostTerminal() { give_back(); }

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] Typing typing() const noexcept { return typing_; }
  /** As it was before the first command. */
  termios mode_before();
  /**
   * Whether what is typed now is for the command. It is not while this process is in the background (tcsetpgrp(3)), nor
   * while another program of the same pipeline has the terminal in a mode of its own, as a pager does.
   */
  bool take();
  /** Sets its mode to that from before, which then stays. */
  void give_back();

 private:
  /** Null where the terminal was hung up. */
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

/** The terminal that a command gets for itself, and the terminal of ours that it stands for. */
struct CommandTerminal {
  /** Which of the standard descriptors it is. */
  std::array<bool, 3> streams{};
  /**
   * Somebody types into it: it is the command's controlling terminal. Otherwise it cannot be read from and controls
   * nothing, because a program that asks a question by /dev/tty would wait for ever.
   */
  bool is_typed_into = false;
  /** Null: as the kernel makes it. */
  std::optional<termios> mode;
  winsize size{};
  /** The terminal of ours that is typed into; null if no person types, or JavaScript writes to a pipe. */
  std::shared_ptr<HostTerminal> keyboard;
  /** The number of our descriptor that shows what is written to it; -1 where that goes to JavaScript by a pipe. */
  int screen = -1;

  /** The first of the standard descriptors that it is. */
  [[nodiscard]] int first_stream() const noexcept { return streams[0] ? 0 : streams[1] ? 1 : 2; }
};

/**
 * The terminals of this process that commands stand in for. No command gets one of ours: it gets a terminal of its own,
 * and terminal_flow.h passes on what goes through it. Any thread.
 */
class HostTerminals {
 public:
  /** The terminal that a command needs; nothing where none of its standard descriptors is a terminal. */
  Result<std::optional<CommandTerminal>> wanted_by(const LaunchRequest& request);
  /** Comes before a signal that ends this process: our terminal has its mode back, and keeps it. */
  void give_back();

 private:
  Result<std::shared_ptr<HostTerminal>> keyboard();

  std::mutex mutex_;
  std::weak_ptr<HostTerminal> keyboard_;
};

winsize in_characters(TerminalSize size);

}  // namespace buildjail
