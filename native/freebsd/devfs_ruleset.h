#pragma once

#include <string>

#include "base/result.h"

namespace buildjail {

/**
 * The devfs(8) ruleset that hides everything but the nodes a build needs, made by the ioctls of devfs(4). A number with
 * other rules in it is somebody else's and left alone; the next one is tried.
 * @return its number.
 */
Result<int> ensure_devfs_ruleset();

/**
 * Whether what was mounted with the ruleset shows our nodes, and no rule comes after ours: mounting with an emptied one
 * would show every device of the host, and one more rule could show devices that come later. To compare rule by rule
 * would take a call for each.
 */
Result<bool> shows_our_nodes_only(const std::string& mounted, int ruleset);

SysError not_our_ruleset(int number);

}  // namespace buildjail
