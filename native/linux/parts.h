#pragma once

#include <memory>

#include "base/result.h"
#include "base/trace.h"
#include "base/unique_fd.h"
#include "envelope/envelope.h"
#include "envelope/mount_points.h"
#include "envelope/output.h"
#include "envelope/part_list.h"
#include "envelope/sources.h"
#include "linux/cgroups.h"
#include "linux/mount_table.h"
#include "linux/namespaces.h"
#include "linux/networks.h"
#include "linux/prepared_mounts.h"
#include "linux/session_cgroup.h"
#include "linux/system_call_filter.h"
#include "linux/user_namespaces.h"

namespace buildjail {

/** What the sessions of one environment share. */
struct LinuxHost {
  /** A session is being worked on: nothing is made ahead for a moment. */
  void give_way() {
    networks.give_way();
    loopbacks.give_way();
  }

  SpareNetworks& spare_networks(const PlannedNetwork& planned) {
    return planned.kind == PlannedNetwork::Kind::kLoopback ? loopbacks : networks;
  }

  /** From make_init_image(). */
  UniqueFd init_image;
  /** Empty without root. */
  EmptyMounts mounts;
  /** Whether this process may be dumped and traced by its user (PR_SET_DUMPABLE(2const)). */
  bool is_dumpable;
  PreparedEtc etc{};
  SpareNetworks networks{SpareNetworks::Loopback::kDown};
  SpareNetworks loopbacks{SpareNetworks::Loopback::kUp};
  UserNamespaces user_namespaces{};
  /** For sessions whose spec has no `allow`. */
  SystemCallFilter filter{Allowances()};
  MountTable mount_table{};
  CgroupPlaces cgroups{};
};

/** A session with its namespaces. */
struct NamespaceOpening : Opening {
  LinuxHost& host;
  SessionIds& ids;
  SessionCgroup& cgroup;
  SessionNamespaces& inside;
  /** False: overlays are shown as they are, to find out if there can be any. */
  bool are_overlays_mapped = true;
  /** Set by NetworkPart. */
  NetworkPart* network = nullptr;
};

/** Makes an envelope of namespaces. */
Result<std::unique_ptr<Envelope>> open_envelope(SharedPlan plan, Lessee lessee, std::shared_ptr<Waiter> waiter,
                                                std::shared_ptr<LinuxHost> host, Trace trace);

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
