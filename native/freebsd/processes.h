#pragma once

#include <sys/param.h>
#include <sys/types.h>
#include <sys/user.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "envelope/record.h"

namespace buildjail {

/** The credentials of a process. */
Credentials credentials_in(const kinfo_proc& process);

/** Whether a process, or a zombie, is in a jail. */
Result<bool> has_processes(int jid);

/** The processes of a jail, without zombies. Their parents may be outside. */
Result<std::vector<SessionProcess>> processes_in(int jid);

/** The processes of the host and of all jails whose effective or real user is `uid`. */
Result<std::vector<kinfo_proc>> processes_of_user(uid_t uid);

/**
 * Signals processes of a jail from outside, where none of them can harm the sender: those of a login class
 * (setloginclass(2)), where one is named, and without the process `except`. It signals one by one, so it misses
 * processes that are started meanwhile.
 * @return how many there were, without zombies
 */
Result<std::size_t> signal_each_in(int jid, int signal, const std::string& login_class = {}, pid_t except = 0);

// The processes that keep a session from being closed. Each call looks at every process of the host, so it is made only
// when something could not be removed.

/**
 * The holders of a busy mount: processes with an open file, directory, root, program or mapping in it, or with a Unix
 * socket bound in it; and mounts on it or from it. Files are recognised by their file system (kinfo_file,
 * kf_file_fsid), because a path may be gone. `root` is the session's root: a socket that was bound inside has a path as
 * seen from there. A descriptor that is on its way through a socket is not found.
 */
std::vector<Holder> holders_of_mount(const std::string& fsid, const std::string& on, const std::string& root);

/**
 * The processes in a jail, each with the call that it is in, and their tracers: a traced process stays until its tracer
 * has seen its end.
 */
std::vector<Holder> processes_in_jail(int jid);

/** The kernel's work for processes of a jail, by their kernel stacks (procstat(1), kstack). */
struct KernelWork {
  /** posix_fallocate(2). */
  bool allocates_file = false;
  /** Bytes of a file, in or out, for which it holds the file's vnode. */
  bool moves_file = false;
};
/** All are false if the kernel shows no stacks. */
KernelWork calls_in_jail(int jid);

/** The holders that keep a jail without processes from dying. */
struct DyingJailHolders {
  /** Processes outside of any jail with an open socket that the jail's user made. */
  std::vector<Holder> processes;
  /** The kernel is still ending a connection of that user that no process has open. */
  bool has_ending_connection = false;
};

/**
 * Finds only some of them. A descriptor holds the jail of the process that opened it (f_cred), but the kernel shows the
 * user for sockets only, and the jail for nothing. For root it looks for no processes, because most sockets are root's.
 */
DyingJailHolders holders_of_dying_jail(uid_t user);

}  // namespace buildjail
