#pragma once

#include "base/result.h"

namespace buildjail {

/**
 * The devfs(8) ruleset that hides everything but the nodes a build needs, made by the ioctls of devfs(4). A number with
 * other rules in it is somebody else's and left alone; the next one is tried.
 * @return its number.
 */
Result<int> ensure_devfs_ruleset();

/** Whether the ruleset is still as we made it: mounting with an emptied one would show every device of the host. */
Result<bool> is_devfs_ruleset_ours(int number);

SysError not_our_ruleset(int number);

}  // namespace buildjail
