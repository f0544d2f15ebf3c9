#pragma once

#include <vector>

#include "base/result.h"
#include "linux/mount_table.h"
#include "plan/plan.h"

namespace buildjail {

/**
 * ENOTSUP where something is mounted on the host below the source of an overlay, which overlayfs would not show, and
 * the session has nothing else at that place.
 */
Status confirm_whole_overlays(const std::vector<Step>& steps, MountTable& mounts);

}  // namespace buildjail
