#pragma once

#include "envelope/mount_points.h"
#include "envelope/output.h"
#include "envelope/part.h"
#include "envelope/part_list.h"
#include "envelope/sources.h"
#include "freebsd/opening.h"
#include "freebsd/parts/devices.h"
#include "freebsd/parts/jail.h"
#include "freebsd/parts/limits.h"
#include "freebsd/parts/root.h"
#include "freebsd/parts/users.h"

namespace buildjail {

/** The steps of a plan: what is mounted in the root, and the directories, files and links in the root itself. */
struct Steps : PassingPart {
  static void add_planned(JailOpening& opening, Parts& parts);
};

/**
 * The parts of a session on FreeBSD, in the order in which they are made. Closing and recovery go backwards.
 *
 * A recovery finds the lease of a user by the host directory (sweep_leases), and the mounts in the root by the kernel's
 * own list, with the root. So these kinds leave nothing in the journal.
 */
using JailParts = PartList<FileFlows, UserLease, WatchedDevices, DyingJail, StateEntry, SessionDirectory, OutputLease,
                           SourceList, MountPoints, LentDirectory, Root, Steps, Seal,
                           // The rules come before the jail, so that no process is ever in it without them.
                           Rules, JailPart, Loopback, LentInterface, Processors, Throttle, Commands>;

}  // namespace buildjail
