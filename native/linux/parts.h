#pragma once

#include "envelope/mount_points.h"
#include "envelope/output.h"
#include "envelope/part_list.h"
#include "envelope/sources.h"
#include "linux/namespaces.h"
#include "linux/networks.h"
#include "linux/session_cgroup.h"
#include "linux/user_namespaces.h"

namespace buildjail {

/**
 * The parts of a session on Linux, in the order in which they are made. Closing and recovery go backwards.
 *
 * - InitPart sets the limits of the cgroups. They go with these.
 * - Outputs are handed over last and come back first, because a build may have shut folders that mount points are in.
 *   Their leases stay for as long as anything of the session is in them.
 * - A recovery finds the lease of a range of ids by the host directory (sweep_leases).
 */
using NamespaceParts = PartList<FileFlows, IdsPart, StateEntry, SessionDirectory, CgroupPart, OutputLease, SourceList,
                                MountPoints, NetworkPart, InitPart, RestPart, LentDirectory, Commands>;

}  // namespace buildjail
