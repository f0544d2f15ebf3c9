#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string_view>

namespace buildjail {

// What a child may do that shares our memory: system calls on arguments prepared before. Nothing here allocates, locks
// or goes through the thread library, whose state is ours as well (vfork(2), CAVEATS).

/** Every signal to its default. Caught and ignored ones would be inherited, the latter by execve(2) too. */
int reset_signals();
int unblock_signals();

/**
 * Of a child that is to end before the host program where memory runs out: the kernel looks for whom to kill there
 * first. No process can take that back that has less than CAP_SYS_RESOURCE on the host, where this had it
 * (proc_pid_oom_score_adj(5)). The host program keeps its own, though it shares our memory: it waits for us as
 * vfork(2) does. Null, or the call that failed on kOomScoreFile.
 */
const char* go_first_when_memory_runs_out();
inline constexpr const char* kOomScoreFile = "/proc/self/oom_score_adj";

/** Null, or the call that failed. */
const char* write_file(const char* path, std::string_view text);

std::int64_t now_ns();

}  // namespace buildjail
