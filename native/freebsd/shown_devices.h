#pragma once

#include <string>

#include "base/result.h"
#include "plan/plan.h"

namespace buildjail {

/**
 * Shows the devices that a spec names in a devfs(5) that is mounted at `mounted`, for everybody in it, and no other
 * mount of it. ESTALE when one is another device than when the plan was made.
 */
Status show_devices(const std::string& mounted, const MountDev& dev);

}  // namespace buildjail
