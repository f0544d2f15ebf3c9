#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/result.h"

namespace buildjail {

// Rules on a jail and the kernel's counts of what it uses (rctl(8)), by the jail's name. Rules may be made before the
// jail, and outlive it.

/** Why no rule holds on this host, and the remedy. */
inline constexpr const char* kNothingCounted = "this kernel does not count what a jail uses (kern.racct.enable is 0)";
inline constexpr const char* kHowToCount = "put kern.racct.enable=1 into /boot/loader.conf and reboot";

/** Whether rules hold on this host. The kernel decides it when it starts. */
Result<bool> counts_resources();

/** Bytes, seconds or numbers, by the resource names of rctl(8). */
using RctlUsage = std::map<std::string, std::uint64_t>;

// The plain calls. A rule is `SUBJECT:NAME:RESOURCE:ACTION=AMOUNT`, and a filter is the beginning of a rule. ENOSYS:
// the kernel does not count.

Status rctl_add(const std::string& rule);
/** ESRCH: no rule matches. */
Status rctl_remove(const std::string& filter);
/** Separated by commas. */
Result<std::string> rctl_rules(const std::string& filter);
/** ESRCH: there is no such process. For a jail that does not exist all is 0. */
Result<RctlUsage> rctl_usage(const std::string& subject);

// The same for a jail.

/** `rule` is the part after the jail's name: `maxproc:deny=64`. */
Status add_rule(const std::string& jail, const std::string& rule);
/** Removes all rules of this jail, or those for one resource. Succeeds if there are none. */
Status remove_rules(const std::string& jail, const std::string& resource = {});

/** Empty if the kernel does not count. */
Result<std::optional<RctlUsage>> used_by(const std::string& jail);

}  // namespace buildjail
