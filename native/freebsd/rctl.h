#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/result.h"

namespace buildjail {

// rctl(8): rules on a jail, and what the kernel counts of it, by the jail's name. Rules may be there before the jail
// is, and they outlive it.

/** Why no rule holds on this host, and what to do about it. */
inline constexpr const char* kNothingCounted = "this kernel does not count what a jail uses (kern.racct.enable is 0)";
inline constexpr const char* kHowToCount = "put kern.racct.enable=1 into /boot/loader.conf and reboot";

/** Whether rules hold on this host; settled when it starts. */
Result<bool> counts_resources();

/** By the names of rctl(8): bytes, whole seconds, numbers. */
using RctlUsage = std::map<std::string, std::uint64_t>;

// The calls as they are. A rule is `SUBJECT:NAME:RESOURCE:ACTION=AMOUNT`, a filter the beginning of one. ENOSYS where
// the kernel does not count.

Status rctl_add(const std::string& rule);
/** ESRCH where there is no such rule. */
Status rctl_remove(const std::string& filter);
/** With commas between them. */
Result<std::string> rctl_rules(const std::string& filter);
/** ESRCH where there is no such process; of a jail that is not there all is 0. */
Result<RctlUsage> rctl_usage(const std::string& subject);

// Of a jail.

/** `rule` is what follows the jail's name: `maxproc:deny=64`. */
Status add_rule(const std::string& jail, const std::string& rule);
/** All of this jail's, or those for one resource. None: nothing to do. */
Status remove_rules(const std::string& jail, const std::string& resource = {});

/** Nothing where the kernel does not count. */
Result<std::optional<RctlUsage>> used_by(const std::string& jail);

}  // namespace buildjail
