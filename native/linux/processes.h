#pragma once

#include <sys/types.h>

#include <optional>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "envelope/record.h"

namespace buildjail {

// Processes as /proc has them (proc(5)), and signals for those of a session. Pids are in the host's numbering. A result
// is empty if there is no such process.

/** The ids of a process, a zombie's too. */
std::optional<Credentials> credentials_of(pid_t pid);

/** The process that a pidfd of ours refers to (pidfd_open(2)). */
std::optional<pid_t> pid_of_descriptor(int pidfd);

/** The namespaces that a process is in, by kind (`mnt`, `pid`, ...) and number. */
Result<std::vector<NamespaceEntry>> namespaces_of(pid_t pid);

/**
 * Sends a signal other than SIGKILL to a command and everything it started (for SIGKILL see kill_tree). Orphans are
 * reparented to the command as long as it lives (PR_SET_CHILD_SUBREAPER(2const)), so all of them are below it.
 * @return a pidfd of each process below the command: once it has ended they are init's children, like all others.
 */
std::vector<UniqueFd> signal_tree(pid_t command, int signal);

/** Stops a process and everything below it, then sends SIGKILL to all, each until no new process is found. */
void kill_tree(pid_t top);

/** The processes below an init, parents first; some may begin meanwhile. Zombies are left out. */
std::vector<SessionProcess> processes_below(pid_t init);

/**
 * The usage of a session without a cgroup, whose init this is: the number and memory of its processes, and the time of
 * those that live and of all that these have waited for. The others are not counted, and shared memory is counted for
 * each that has it.
 */
SessionUsage usage_of_processes(pid_t init);

/**
 * The processes that are still in the namespaces of an init that was killed, and their tracers: a traced process is not
 * gone before its tracer has seen it end. This reads the entry of every process of the host.
 */
std::vector<Holder> processes_left_with(pid_t init);

}  // namespace buildjail
