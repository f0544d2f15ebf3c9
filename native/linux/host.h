#pragma once

#include <utility>

#include "base/unique_fd.h"
#include "linux/cgroups.h"
#include "linux/empty_mounts.h"
#include "linux/mount_table.h"
#include "linux/prepared_etc.h"
#include "linux/spare_networks.h"
#include "linux/system_call_filter.h"
#include "linux/user_spaces.h"

namespace buildjail {

/** What the sessions of one environment have in common. */
struct LinuxHost {
  LinuxHost(UniqueFd image, EmptyMounts empty_mounts, bool is_now_dumpable)
      : init_image(std::move(image)), mounts(std::move(empty_mounts)), is_dumpable(is_now_dumpable) {}

  /** Something is being done with a session: what is made ahead waits. */
  void give_way() {
    networks.give_way();
    loopbacks.give_way();
  }

  /** What make_init_image() gave. */
  UniqueFd init_image;
  /** Where they are for this process. */
  EmptyMounts mounts;
  /** Copies of them. */
  PreparedEtc etc;
  /** Whether it may be dumped and traced by its user (PR_SET_DUMPABLE(2const)). */
  bool is_dumpable;
  SpareNetworks networks{SpareNetworks::Loopback::kDown};
  SpareNetworks loopbacks{SpareNetworks::Loopback::kUp};
  UserSpaces user_spaces;
  /** Of sessions whose spec allows nothing of it. */
  SystemCallFilter filter{Allowances()};
  MountTable mount_table;
  CgroupPlaces cgroups;
};

}  // namespace buildjail
