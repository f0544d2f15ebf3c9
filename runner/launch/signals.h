#pragma once

#include <csignal>
#include <vector>

#include "base/unique_fd.h"

namespace buildjail::launch {

/**
 * The signals that are passed on to the command. They are blocked, and a thread that waits for them writes each into a
 * pipe, as poll(2) knows pipes and the two systems have different events for signals.
 */
class Signals {
 public:
  Signals();
  [[nodiscard]] int descriptor() const { return reader_.get(); }
  /** One that has come. */
  [[nodiscard]] int next() const;

 private:
  UniqueFd reader_;
};

/** Ends this process by a signal, as the command was ended, without a core. */
[[noreturn]] void end_by(int signal);

}  // namespace buildjail::launch
