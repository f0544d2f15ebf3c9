#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/sys_error.h"

namespace buildjail {

// Who is in the way of a close. Asking takes a look at every process of the host, so it is done only when something
// would not go.

/**
 * Who keeps a mount busy: processes with an open file, directory, root, program or mapping in it, or a Unix socket that
 * is bound in it; and what others mounted on it or from it. Told apart by file system (kinfo_file, kf_file_fsid), as a
 * path may be gone. `root` is the session's: what is bound inside says where as seen from there. A descriptor that is
 * on its way through a socket is not seen.
 */
std::vector<Holder> holders_of_mount(const std::string& fsid, const std::string& on, const std::string& root);

/** The processes in a jail, and those that trace them: a traced process is not gone before its tracer has seen it end.
 */
std::vector<Holder> processes_in_jail(int jid);

/** Who can keep a jail without processes from dying. */
struct DyingJailHolders {
  /** Processes outside of any jail that have a socket open which its user made. */
  std::vector<Holder> processes;
  /** A connection of that user that nobody has open any more is being ended: the kernel does so by itself. */
  bool has_ending_connection = false;
};

/**
 * What the kernel tells of that, which is not all: a descriptor holds the jail of who opened it (its f_cred), but only
 * of sockets is the user shown, and of nothing the jail. Root's are not looked for, as most sockets are.
 */
DyingJailHolders holders_of_dying_jail(uid_t user);

}  // namespace buildjail
