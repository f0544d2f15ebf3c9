#pragma once

#include "envelope/mount_points.h"
#include "envelope/output.h"
#include "envelope/part.h"
#include "envelope/part_list.h"
#include "envelope/sources.h"
#include "freebsd/iovec_list.h"
#include "freebsd/opening.h"
#include "freebsd/parts/jail.h"
#include "freebsd/parts/limits.h"
#include "freebsd/parts/names.h"
#include "freebsd/parts/root.h"
#include "freebsd/parts/trace.h"

namespace buildjail {

/** Writes /etc/passwd with the number of the build user, and the database in which the C library looks users up. */
Status write_accounts(const std::string& root, const WriteText& wanted, uid_t uid);

/** A file that everybody may read, with that in it. */
Status write_new_file(const std::string& path, std::string_view content);

/**
 * Checks a folder whose entries are mounted one by one. ESTALE: an entry was made or removed since the plan was made.
 */
Status confirm_listed(const Listed& listed);

/** Options for the build's own file system in memory. */
IovecList options_of(const std::string& path, const MountTmpfs& step);

/**
 * Adds the part that shows an overlay: a copy. `outer` is the bind that it lies in, or null. Everything outlives it.
 *
 * FreeBSD has no file system that could show the folder itself. In unionfs(4) of 15.1 a folder that is removed and made
 * again has its old content. It shows everything with one owner and one mode, so that no script of a source can be
 * executed, or it shows the owners of the source, and none of them is the build.
 */
void add_copy(const JailOpening& opening, const Bind& bind, const Bind* outer, Parts& parts);

/** Adds the parts that show a directory or file of the host. Everything outlives them. */
void add_source(const JailOpening& opening, const Bind& bind, Parts& parts);

/**
 * The user of a session's build. A user of the plan's pool is leased, so no other live session of the host has it. A
 * user that the plan names is shared by all sessions that name it. The lease ends after every part but a jail that may
 * still be dying, so no other session gets the user while a process, a file or a folder of this session has it.
 */
struct UserLease : Part {
  static void add_planned(const JailOpening& opening, Parts& parts);
};

/**
 * The devices of /dev that a build that is root can revoke(2) for the whole host, as the kernel lets root of every
 * jail. The close of its session reports that, because programs of the host stop working. This is one of the
 * first parts, so that nothing else stays for its sake.
 */
struct WatchedDevices : Part {
  static void add_planned(const JailOpening& opening, Parts& parts);
};

/** The steps of a plan: what is mounted in the root, and the directories, files and links in the root itself. */
struct Steps : Part {
  static void add_planned(JailOpening& opening, Parts& parts);
};

/**
 * The parts of a session on FreeBSD, in the order in which they are made. Closing and recovery go backwards.
 *
 * A recovery finds the lease of a user by the host directory (sweep_leases), and the mounts in the root by the kernel's
 * own list, with the root. So these kinds leave nothing in the journal.
 */
using JailParts = PartList<FileFlows, DyingJail, UserLease, WatchedDevices, StateEntry, SessionDirectory, OutputLease,
                           SourceList, MountPoints, LentDirectory, Root, Steps, Seal,
                           // Made before the jail: the records of its processes are read to the end when no process is
                           // left.
                           TraceRoom,
                           // The rules come before the jail, so that no process is ever in it without them.
                           Rules, JailPart, Loopback, NamesNetwork, LentInterface, Processors, Throttle, Commands>;

}  // namespace buildjail
