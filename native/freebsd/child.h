#pragma once

#include <sys/param.h>
#include <sys/user.h>

#include "base/result.h"
#include "base/unique_fd.h"
#include "freebsd/jails.h"

namespace buildjail {

// What a vfork(2)ed child may do: system calls on arguments that were prepared before. It runs in our memory, so
// nothing here allocates, locks or uses the thread library, whose state is ours (vfork(2), CAVEATS).

/** The kernel's description of this process. */
int look_at_self(kinfo_proc& self);

/**
 * Sets every signal that is not at its default in `self` to it, then unblocks all. An ignored signal would stay ignored
 * across execve(2), and a handler of the host program must not run here. Returns null, or the call that failed.
 */
const char* reset_signals(const kinfo_proc& self);

/**
 * Clears the login name (getlogin(2)): a build must not see who runs the host program. Call it after setsid(2), which
 * copies the name into the new session; before, it would change the host program's.
 */
int forget_login_name();

/**
 * Until execve(2) a child has the arguments of the host program (kern.proc.args), which every process of its jail could
 * read. Call it before jail_attach(2), with the child's own pid.
 */
int forget_arguments(pid_t self);

/**
 * Forbids every process of the jail, also its root, to trace this one: until execve(2), which ends the ban, it has the
 * host program's memory (procctl(2), PROC_TRACE_CTL). Call it before jail_attach(2).
 */
int forbid_tracing();

/** Call it after jail_attach(2). ESRCH: this is not the jail that was meant. */
int confirm_root(const JailReference& jail);

/**
 * The program of `kill_in_jail`: kills every process of the jail but itself (kill(2), pid -1). Returns null, or the
 * call that failed, with errno.
 */
const char* kill_everything_in_jail(const JailReference& jail);

/**
 * Sends a descriptor to the parent, over one end of a socketpair(2) of datagrams. The kernel has made it without
 * close-on-exec, or in a table of the child's own; the parent's copy has close-on-exec from its first moment on.
 * @return -1 with errno where it fails
 */
int send_descriptor(int channel, int descriptor);

/** In the parent, when the child has ended. EMFILE: no descriptor is free here. */
Result<UniqueFd> receive_descriptor(int channel, const char* step);

}  // namespace buildjail
