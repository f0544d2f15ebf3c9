#pragma once

#include <utility>

#include "base/unique_fd.h"
#include "linux/empty_mounts.h"
#include "linux/spare_networks.h"

namespace buildjail {

/** What the sessions of one environment have in common. */
struct LinuxHost {
  LinuxHost(UniqueFd image, EmptyMounts empty_mounts, bool is_now_dumpable)
      : init_image(std::move(image)), mounts(std::move(empty_mounts)), is_dumpable(is_now_dumpable) {}

  /** What make_init_image() gave. */
  UniqueFd init_image;
  /** Where they are for this process. */
  EmptyMounts mounts;
  /** Whether it may be dumped and traced by its user (PR_SET_DUMPABLE(2const)). */
  bool is_dumpable;
  SpareNetworks networks;
};

}  // namespace buildjail
