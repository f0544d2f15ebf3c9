#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "envelope/record.h"
#include "plan/limits.h"

namespace buildjail {

// Rules on a jail and the kernel's counts of what it uses (rctl(8)), by the jail's name. Rules may be made before the
// jail, and outlive it.

/** Why no rule can hold on this host, and the remedy. */
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
/** Removes all rules of this jail, or those for one resource. A jail without rules is no error. */
Status remove_rules(const std::string& jail, const std::string& resource = {});

/** Empty if the kernel does not count. */
Result<SessionUsage> used_by(const std::string& jail);

/** The resource of HeldLimits::throttle. */
inline constexpr const char* kThrottled = "pcpu";

/** The means by which this host holds the limits of a plan. */
struct HeldLimits {
  /** Each is the part after the jail's name (add_rule). */
  std::vector<std::string> rules;
  /** How many processors the jail may use; 0: all. */
  std::uint64_t processors = 0;
  /** The rule for the processor time of all processes together; empty: not limited. */
  std::string throttle;
  std::vector<AppliedLimit> applied;
};

/**
 * Makes no system call where there are no limits. ENOTSUP with the limit, if this host cannot hold one; a
 * best-effort plan goes without it.
 */
Result<HeldLimits> held_limits(const Limits& limits);

/**
 * Finds the rules of a jail that were met. It reads the kernel's message buffer (dmesg(8)): devctl(4) has one reader,
 * devd(8), and the events that devd passes on are lost to programs that are not connected at that time. The kernel logs
 * at most 10 lines a second for all jails of the host (kern.racct.rctl.log_rate_limit), one for each process and rule,
 * and old lines leave the buffer.
 */
class LimitsLog {
 public:
  explicit LimitsLog(const std::string& jail) : beginning_("rctl: rule \"jail:" + jail + ":") {}

  /** Reads the buffer. If that fails, no new rule was met. */
  LimitsMet met();

 private:
  std::string beginning_;
  std::mutex mutex_;
  /** The lines that were in the buffer when it was last read, without `beginning_`. */
  std::vector<std::string> seen_;
  LimitsMet met_;
};

}  // namespace buildjail
