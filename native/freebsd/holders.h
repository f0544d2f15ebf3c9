#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/sys_error.h"

namespace buildjail {

// What keeps a session from being closed. Each call looks at every process of the host, so it is made only when
// something could not be removed.

/**
 * What keeps a mount busy: processes with an open file, directory, root, program or mapping in it, or with a Unix
 * socket bound in it; and mounts on it or from it. Files are recognised by their file system (kinfo_file,
 * kf_file_fsid), because a path may be gone. `root` is the session's root: a socket that was bound inside has a path as
 * seen from there. A descriptor that is on its way through a socket is not found.
 */
std::vector<Holder> holders_of_mount(const std::string& fsid, const std::string& on, const std::string& root);

/** The processes in a jail and their tracers: a traced process stays until its tracer has seen its end. */
std::vector<Holder> processes_in_jail(int jid);

/** What can keep a jail without processes from dying. */
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
