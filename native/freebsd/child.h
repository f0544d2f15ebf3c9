#pragma once

#include <sys/param.h>
#include <sys/user.h>

#include "base/result.h"
#include "base/unique_fd.h"
#include "freebsd/jails.h"

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

/** For the child that becomes the watcher (state/watcher.h): it keeps no signal handler and no descriptor but 0 to 2.
 */
const char* let_go_of_host_program();

/**
 * Sends a descriptor to the parent, over one end of a socketpair(2) of datagrams. The kernel has made it without
 * close-on-exec, or in a table of the child's own; the parent's copy has close-on-exec from its first moment on.
 * @return -1 with errno where it fails
 */
int send_descriptor(int channel, int descriptor);

/** In the parent, when the child has ended. EMFILE: no descriptor is free here. */
Result<UniqueFd> receive_descriptor(int channel, const char* step);

}  // namespace buildjail
