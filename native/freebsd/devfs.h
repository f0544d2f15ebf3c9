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

// The ioctls of devfs(4) for rules, on the directory of any mounted devfs. Rulesets belong to the whole host, so the
// mount matters only to the calls that act on a mount.

/** Opens a mounted devfs for these calls. */
Result<UniqueFd> open_devfs(const std::string& path);

/** A rule without conditions and actions. With number 0 the kernel gives it the next free hundred. */
devfs_rule empty_rule(int ruleset, int number);
inline int number_of(const devfs_rule& rule) { return rid2rn(rule.dr_id); }

/** EEXIST: the ruleset has a rule of that number. The kernel does not tell which number it has given. */
Status add_devfs_rule(int dev, devfs_rule& rule);
/** The first rule with a greater number; empty if there is none, or no such ruleset. */
Result<std::optional<devfs_rule>> next_devfs_rule(int dev, int ruleset, int number);
/** ENOENT: there is no rule of that number. Removing the last one removes the ruleset, unless a mount uses it. */
Status remove_devfs_rule(int dev, int ruleset, int number);
/** Applies the rules once, to the nodes that the mount has now. ESRCH: there is no such ruleset. */
Status apply_devfs_ruleset(int dev, int ruleset);
/** Applies the rules now and to all later nodes. Makes the ruleset if there is none; without rules it hides nothing. */
Status use_devfs_ruleset(int dev, int ruleset);

/**
 * Finds or makes the devfs(8) ruleset that hides everything but the nodes that a build needs. A ruleset with other
 * rules belongs to somebody else: it stays as it is, and the next number is tried.
 * @return its number
 */
Result<int> ensure_devfs_ruleset();

/**
 * Whether a devfs that was mounted with the ruleset shows our nodes alone, and the ruleset has no rule after ours. With
 * an emptied ruleset the mount would show every device of the host, and one more rule could show devices that come
 * later. Comparing rule by rule would take a call for each.
 */
Result<bool> shows_our_nodes_only(const std::string& mounted, int ruleset);

SysError not_our_ruleset(int number);

/**
 * Shows the devices that a spec names in the devfs(4) that is mounted at `mounted`, and in no other, to all its users.
 * ESTALE: one is another device than when the plan was made.
 */
Status show_devices(const std::string& mounted, const MountDev& dev);

}  // namespace buildjail
