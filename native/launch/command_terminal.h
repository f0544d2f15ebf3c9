#pragma once

#include <sys/ioctl.h>
#include <termios.h>

#include <array>
#include <memory>
#include <optional>

#include "launch/host_terminal.h"

namespace buildjail {

/** The terminal that a command gets for itself, and what it stands for. */
struct CommandTerminal {
  /** Which of the standard descriptors it is. */
  std::array<bool, 3> streams{};
  /**
   * Somebody types into it: it is the command's controlling terminal. One that nobody types into cannot be read from,
   * nor controls anything: a program that asks a question by /dev/tty would wait for ever.
   */
  bool is_typed_into = false;
  /** Nothing: as the kernel makes it. */
  std::optional<termios> mode;
  winsize size{};
  /** The terminal of ours that it is typed into from; null where nobody types, or it comes by a pipe. */
  std::shared_ptr<HostTerminal> keyboard;
  /** The terminal of ours that shows what is written to it, by its number; -1 where that goes by a pipe. */
  int screen = -1;

  /** The first of the standard descriptors that it is. */
  [[nodiscard]] int first_stream() const noexcept { return streams[0] ? 0 : streams[1] ? 1 : 2; }
};

}  // namespace buildjail
