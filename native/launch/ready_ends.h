#pragma once

#include <array>
#include <mutex>
#include <optional>

#include "launch/launch_request.h"
#include "launch/stdio_ends.h"

namespace buildjail {

/**
 * The pipes of the next command whose output is collected, made while the one before it runs: to make them takes four
 * system calls that the next does not have to wait for then.
 */
class ReadyEnds {
 public:
  /** Those that are ready, where they are what is asked for; else none. */
  StdioEnds take(const std::array<StdioRequest, 3>& stdio);
  /** Keeps them for the next; no more than one command's. */
  void keep(StdioEnds ends);
  void drop();

  /** Nothing where there is no descriptor left: who needs them tries again, and says so. */
  static std::optional<StdioEnds> make();

 private:
  std::mutex mutex_;
  std::optional<StdioEnds> ends_;
};

}  // namespace buildjail
