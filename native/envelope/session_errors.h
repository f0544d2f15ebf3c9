#pragma once

#include <cerrno>
#include <chrono>

#include "base/sys_error.h"

namespace buildjail {

// What an envelope answers that is not in the state for what was asked. The call is the one that was not made.

inline SysError session_closed(const char* step, const char* syscall, int err = ECANCELED) {
  return {.step = step, .syscall = syscall, .err = err, .path = {}, .dest = {}, .detail = "the session is closed"};
}

/** Nothing runs in a root that still leads to the host's. */
inline SysError session_incomplete(const char* step, const char* syscall) {
  return {
      .step = step, .syscall = syscall, .err = EINVAL, .path = {}, .dest = {}, .detail = "the session is not complete"};
}

inline SysError session_complete(const char* step, const char* syscall) {
  return {
      .step = step, .syscall = syscall, .err = EALREADY, .path = {}, .dest = {}, .detail = "the session is complete"};
}

/** In which all that was written to files of the host is there, once no process of a session is left. */
constexpr std::chrono::milliseconds kRelayBound{10'000};

inline SysError relay_held_up() {
  return {.step = "stdio",
          .syscall = "write",
          .err = ETIMEDOUT,
          .path = {},
          .dest = {},
          .detail = "a file of the host does not take what was written to it"};
}

}  // namespace buildjail
