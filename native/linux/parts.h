#pragma once

#include <memory>

#include "base/result.h"
#include "base/trace.h"
#include "envelope/envelope.h"
#include "envelope/mount_points.h"
#include "envelope/output.h"
#include "envelope/part_list.h"
#include "envelope/sources.h"
#include "linux/blanks.h"
#include "linux/cgroups.h"
#include "linux/mount_table.h"
#include "linux/namespaces.h"
#include "linux/root_part.h"
#include "linux/session_cgroup.h"
#include "linux/session_namespaces.h"
#include "linux/system_call_filter.h"
#include "linux/user_namespaces.h"
#include "network/network_thread.h"

namespace buildjail {

/** What the sessions of one environment share. */
struct LinuxHost {
  LinuxHost(NamespaceHost made, NetworkListener listener) : namespaces(std::move(made)), network(std::move(listener)) {}

  NamespaceHost namespaces;
  UserNamespaces user_namespaces{};
  /** For sessions whose spec has no `allow`. */
  SessionFilter filter{Allowances()};
  MountTable mount_table{};
  CgroupPlaces cgroups{};
  NetworkThread network;
  BlankSessions blanks{namespaces, mount_table};
  CallNotices notices{};
};

/** A session with its namespaces. */
struct NamespaceOpening : Opening {
  LinuxHost& host;
  SessionIds& ids;
  SessionCgroup& cgroup;
  SessionNamespaces& inside;
  /** False only to find out if the host can have overlays at all. Then they are shown as they are. */
  bool are_overlays_mapped = true;
};

/** Makes an envelope of namespaces. */
Result<std::unique_ptr<Envelope>> open_envelope(SharedPlan plan, Lessee lessee, std::shared_ptr<Waiter> waiter,
                                                std::shared_ptr<LinuxHost> host, Trace trace, const Copying& copying);

/**
 * The parts of a session on Linux, in the order in which they are made. Closing and recovery go backwards.
 *
 * - Outputs are handed over last and come back first, because a build may have shut folders that mount points are in.
 *   Their leases stay for as long as anything of the session is in them.
 * - A recovery finds the lease of a range of ids by the host directory (sweep_leases).
 */
using NamespaceParts = PartList<FileFlows, IdsPart, StateEntry, SessionDirectory, OutputLease, SourceList, CgroupPart,
                                MountPoints, RootPart, LentDirectory, Commands>;

}  // namespace buildjail
