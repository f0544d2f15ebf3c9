#pragma once

#include <atomic>
#include <utility>

#include "freebsd/jails.h"
#include "freebsd/mounts.h"
#include "freebsd/networks.h"

namespace buildjail {

/** What the sessions of one environment have in common. */
struct FreebsdHost {
  explicit FreebsdHost(JailAbilities found) : abilities(std::move(found)) {}

  JailAbilities abilities;
  /** Of the session before; 0 where there was none. */
  std::atomic<int> devfs_ruleset = 0;
  SpareList mounted;
  DyingNetworks dying_networks;
  MountIds nullfs_ids;
  MountIds tmpfs_ids;
};

}  // namespace buildjail
