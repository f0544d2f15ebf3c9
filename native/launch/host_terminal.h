#pragma once

#include <termios.h>

#include <memory>
#include <mutex>
#include <optional>

#include "base/result.h"
#include "base/unique_fd.h"

namespace buildjail {

/**
 * The terminal that is the host program's stdin, for as long as commands have what is typed into it. All of them share
 * one of these, and the last that goes gives the terminal its mode back. Any thread.
 */
class HostTerminal {
 public:
  /**
   * Whether a keystroke goes to the command as it is: Ctrl-C is a matter of the command's own terminal then. Otherwise
   * this terminal keeps its mode, and lines are passed on.
   */
  enum class Typing : bool { kLines, kKeys };

  static Result<std::shared_ptr<HostTerminal>> of_stdin();
  HostTerminal(UniqueFd fd, const termios& before, Typing typing)
      : fd_(std::move(fd)), before_(before), typing_(typing) {}
  HostTerminal(const HostTerminal&) = delete;
  HostTerminal& operator=(const HostTerminal&) = delete;
  HostTerminal(HostTerminal&&) = delete;
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
  /** Its mode is as before, and stays so. */
  void give_back();

 private:
  /** Null where it could not be asked: it was hung up. */
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
 * One of the host program's standard descriptors, which is a terminal, as an open file of our own: reading and writing
 * never wait, and others that have the terminal open do not notice. Where it is not the controlling terminal that
 * cannot be had: the same open file.
 */
UniqueFd open_own_terminal(int number);

}  // namespace buildjail
