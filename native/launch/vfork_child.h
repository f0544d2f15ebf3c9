#pragma once

#include <sys/types.h>

#include <array>

namespace buildjail {

/**
 * Runs `program(context)` in a vfork(2)ed child, which then exits with 127 if the program came back. Returns in the
 * parent when the child has executed another program or is gone; the child is the caller's to wait for. -1 and errno
 * when there was no child.
 *
 * The program runs in our memory while this thread sleeps, so what it writes through `context` is what we read. It must
 * not allocate, lock, or call what the thread library wraps (vfork(2), CAVEATS). No signal reaches parent or child
 * meanwhile: a handler of the host program's must not run a second time. The program itself unblocks them. On FreeBSD
 * none is left in the child: what was handled is at its default there.
 */
pid_t vfork_child(void (*program)(void*), void* context);

/** Waits for a child of the caller's whose result does not matter. */
void reap(pid_t pid);

// Steps of a launched child that are the same on every system. It shares our memory, so they are system calls on
// arguments prepared before, and nothing else (vfork(2), CAVEATS).

/**
 * Puts descriptors to 0, 1 and 2. All lie above 2 (stdio_ends), so none overwrites the source of the next. Closes each
 * number that gets none.
 */
int set_stdio(const std::array<int, 3>& stdio);

/** Opens the numbers that set_stdio has closed as the /dev/null of the child's root by now, the session's. */
int open_own_null(const std::array<int, 3>& stdio);

/**
 * execve(2) of each candidate in turn, by execvp(3)'s rule: tries the next one if there is no such file, and remembers
 * a file that it may not execute. Returns, with errno, only if none could be executed.
 */
int execute_first(char* const* candidates, char* const* argv, char* const* environment);

}  // namespace buildjail
