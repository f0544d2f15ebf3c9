#pragma once

#include <sys/param.h>
#include <sys/user.h>

#include "freebsd/jail_reference.h"

namespace buildjail {

// What a vfork(2)ed child may do: system calls on arguments prepared before. It runs in our memory, so nothing here
// allocates, locks or goes through the thread library, whose state is ours as well (vfork(2), CAVEATS).

/** What the kernel says of this process. */
int look_at_self(kinfo_proc& self);

/**
 * Every signal to its default that is not in `self`, then none blocked. Ignored ones would stay so across execve(2),
 * and a handler of the host program's must not run here. Null, or the call that failed.
 */
const char* reset_signals(const kinfo_proc& self);

/**
 * After setsid(2), which copies it, so that of nobody else's session: the login name of who runs the host program is
 * nothing to a build (getlogin(2)).
 */
int forget_login_name();

/**
 * Until execve(2) the kernel shows a child's arguments as those of the host program (kern.proc.args), to every process
 * of the jail that the child enters. To be called before jail_attach(2), with the child's own pid.
 */
int forget_arguments(pid_t self);

/**
 * No process of the jail may trace this one, its root neither: until execve(2), which ends that, it has the host
 * program's memory (procctl(2), PROC_TRACE_CTL). To be called before jail_attach(2).
 */
int forbid_tracing();

/** After jail_attach(2): ESRCH where this is another jail than the one that was meant. */
int confirm_root(const JailReference& jail);

/**
 * The program of `kill_in_jail`: kills every process of the jail but itself (kill(2), pid -1). Returns null, or the
 * call that failed, whose reason is in errno.
 */
const char* kill_everything_in_jail(const JailReference& jail);

}  // namespace buildjail
