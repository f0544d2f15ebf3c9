#pragma once

#include <array>

namespace buildjail {

// Steps of a launched child that are the same on every system. It shares our memory, so they are system calls on
// arguments prepared before, and nothing else (vfork(2), CAVEATS).

/**
 * Puts descriptors to 0, 1 and 2; they all lie above 2 (stdio_ends), so none overwrites the source of the next. Closes
 * what is there where there is none to be put.
 */
int set_stdio(const std::array<int, 3>& stdio);

/** Those that set_stdio has closed: the /dev/null of the root that the child is in by now, which is the session's. */
int open_own_null(const std::array<int, 3>& stdio);

/**
 * execve(2) of each candidate in turn, by execvp(3)'s rule: goes on where there is no such file, and remembers that one
 * was there but not permitted. Comes back, with errno, only when none could be executed.
 */
int execute_first(char* const* candidates, char* const* argv, char* const* environment);

}  // namespace buildjail
