#pragma once

#include <sys/param.h>
#include <sys/ioctl.h>
#include <sys/queue.h>

#include <fs/devfs/devfs.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "envelope/part.h"
#include "freebsd/session_jail.h"
#include "plan/plan.h"

namespace buildjail {

// The ioctls of devfs(4) for rules, on the directory of any mounted devfs. Rulesets belong to the whole host, so the
// mount matters only to the calls that act on a mount.

/** Opens a mounted devfs for these calls. */
Result<UniqueFd> open_devfs(const std::string& path);

/** A rule without conditions and actions. With number 0 the kernel gives it the next free hundred. */
devfs_rule empty_rule(int ruleset, int number);
inline int number_of(const devfs_rule& rule) { return rid2rn(rule.dr_id); }

/**
 * Makes one of these calls.
 *
 * DEVFSIO_RADD: EEXIST if the ruleset has a rule of that number. The kernel does not tell which number it has given.
 * DEVFSIO_RDEL: ENOENT if there is no rule of that number. Removing the last one removes the ruleset, unless a mount
 * uses it.
 * DEVFSIO_SAPPLY applies the rules to the nodes that the mount has now. ESRCH: there is no such ruleset.
 * DEVFSIO_SUSE also applies them to later nodes. It makes a ruleset that is missing, which then hides nothing.
 */
template <class Argument>
Status call_devfs(int dev, unsigned long request, Argument& argument) {
  return ::ioctl(dev, request, &argument) == 0 ? Status() : last_error("devfs-ruleset", "ioctl", "/dev");
}
/** Empty if there is no such ruleset. */
Result<std::vector<devfs_rule>> devfs_rules(int dev, int ruleset);

/**
 * The part that mounts a devfs(4) with the nodes that a build needs and no other. `step` outlives it. `ruleset` is that
 * of the session before, or 0.
 */
std::unique_ptr<Part> devfs_part(SessionJail& jail, const MountDev& step, std::atomic<int>& ruleset);

}  // namespace buildjail
