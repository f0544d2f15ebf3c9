#pragma once

#include <csignal>
#include <vector>

#include "base/unique_fd.h"

namespace buildjail::launch {

/**
 * The signals that are passed on to the command. They are blocked, and a thread that waits for them writes each into a
 * pipe: poll(2) works on a pipe, and the two systems have different events for signals.
 */
class Signals {
 public:
  Signals();
  [[nodiscard]] int descriptor() const { return reader_.get(); }
  /** Reads one signal from the pipe. */
  [[nodiscard]] int next() const;

 private:
  UniqueFd reader_;
};

/** Ends this process by the signal that ended the command, without a core. */
[[noreturn]] void end_by(int signal);

}  // namespace buildjail::launch
