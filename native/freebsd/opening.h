#pragma once

#include <atomic>
#include <string>
#include <utility>

#include "envelope/part_list.h"
#include "freebsd/jails.h"
#include "freebsd/limits.h"
#include "freebsd/mounts.h"
#include "freebsd/networks.h"
#include "freebsd/session_jail.h"

namespace buildjail {

/** Shared by all sessions of one environment. */
struct FreebsdHost {
  explicit FreebsdHost(JailAbilities found) : abilities(std::move(found)) {}

  JailAbilities abilities;
  /** That of the previous session, or 0. */
  std::atomic<int> devfs_ruleset = 0;
  SpareList mounted;
  DyingNetworks dying_networks;
  MountIds nullfs_ids;
  MountIds tmpfs_ids;
};

/** A session with its jail. */
struct JailOpening : Opening {
  SessionJail& jail;
  FreebsdHost& host;
  const HeldLimits& limits;
  const std::string& jail_name;
};

/** A dead session, and its jail where there still is one. */
struct DeadJailSession : DeadSession {
  SessionJail& jail;
};

}  // namespace buildjail
