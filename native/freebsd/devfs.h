#pragma once

#include <sys/param.h>
#include <sys/ioctl.h>
#include <sys/queue.h>

#include <fs/devfs/devfs.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "plan/plan.h"

namespace buildjail {

// The ioctls of devfs(4) for rules, on the directory of any devfs that is mounted. Rulesets are the whole host's: which
// mount is asked makes a difference to those alone that act on the mount.

/** A mounted devfs, to be asked. */
Result<UniqueFd> open_devfs(const std::string& path);

/** A rule of that ruleset that says nothing yet. Of number 0 the kernel makes the next free hundred. */
devfs_rule empty_rule(int ruleset, int number);
inline int number_of(const devfs_rule& rule) { return rid2rn(rule.dr_id); }

/** EEXIST where there is one of that number. Which number it has given, the kernel does not say. */
Status add_devfs_rule(int dev, devfs_rule& rule);
/** The first whose number is greater; nothing where there is none, or no such ruleset. */
Result<std::optional<devfs_rule>> next_devfs_rule(int dev, int ruleset, int number);
/** ENOENT where there is none of that number. The last one takes the ruleset along, unless a mount uses it. */
Status remove_devfs_rule(int dev, int ruleset, int number);
/** Once, on what the mount shows now. ESRCH where there is no such ruleset. */
Status apply_devfs_ruleset(int dev, int ruleset);
/** From now on, on what comes later too. One without rules is made where there is none, and hides nothing. */
Status use_devfs_ruleset(int dev, int ruleset);

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

/**
 * Shows the devices that a spec names in a devfs(5) that is mounted at `mounted`, for everybody in it, and no other
 * mount of it. ESTALE when one is another device than when the plan was made.
 */
Status show_devices(const std::string& mounted, const MountDev& dev);

}  // namespace buildjail
