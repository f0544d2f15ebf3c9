#pragma once

#include <sys/types.h>

#include <cstdint>

namespace buildjail {

// What a child may do that shares our memory: system calls on arguments prepared before. Nothing here allocates, locks
// or goes through the thread library, whose state is ours as well (vfork(2), CAVEATS).

/** Every signal to its default. Caught and ignored ones would be inherited, the latter by execve(2) too. */
int reset_signals();
int unblock_signals();

std::int64_t now_ns();

}  // namespace buildjail
