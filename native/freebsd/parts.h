#pragma once

#include "envelope/mount_points.h"
#include "envelope/output.h"
#include "envelope/part_list.h"
#include "envelope/session_parts.h"
#include "envelope/sources.h"
#include "freebsd/parts/dying_jail.h"
#include "freebsd/parts/jail_part.h"
#include "freebsd/parts/lent_interface.h"
#include "freebsd/parts/loopback.h"
#include "freebsd/parts/processors.h"
#include "freebsd/parts/root.h"
#include "freebsd/parts/rules.h"
#include "freebsd/parts/seal.h"
#include "freebsd/parts/steps.h"
#include "freebsd/parts/throttle.h"
#include "freebsd/parts/user_lease.h"
#include "freebsd/parts/watched_devices.h"

namespace buildjail {

/**
 * What a session is made of on FreeBSD, in the order in which it is made. Closing and recovery go backwards.
 *
 * A recovery finds the lease of a user by the host directory (sweep_leases), and the mounts in the root by the kernel's
 * own list, with the root. So these kinds leave nothing in the journal.
 */
using JailParts = PartList<FileFlows, UserLease, WatchedDevices, DyingJail, StateEntry, SessionDirectory, OutputLease,
                           SourceList, MountPoints, LentDirectory, Root, Steps, Seal,
                           // The rules come before the jail, so that no process is ever in it without them.
                           Rules, JailPart, Loopback, LentInterface, Processors, Throttle, Commands>;

}  // namespace buildjail
