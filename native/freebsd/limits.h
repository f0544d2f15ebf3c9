#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "envelope/record.h"
#include "plan/limits.h"

namespace buildjail {

/** What holds the limits of a plan on this host. */
struct HeldLimits {
  /** What follows the jail's name in each (rctl.h). */
  std::vector<std::string> rules;
  /** How many processors the jail may use; 0: all. */
  std::uint64_t processors = 0;
  /** How much of them all together, in hundredths of one; 0: all of it. */
  std::uint64_t share = 0;
  std::vector<AppliedLimit> applied;
};

/**
 * Makes no system call where there are no limits. ENOTSUP with the limit, if this host cannot hold one; a
 * best-effort plan goes without it.
 */
Result<HeldLimits> held_limits(const Limits& limits);

/**
 * Which rules of a jail were met. The kernel tells it in its message buffer only (dmesg(8)): at most 10 lines a second
 * for all jails of the host (kern.racct.rctl.log_rate_limit), one for each process and rule, and the buffer forgets.
 */
class LimitsLog {
 public:
  explicit LimitsLog(const std::string& jail) : beginning_("rctl: rule \"jail:" + jail + ":") {}

  /** Reads the buffer. If it cannot be read, nothing new was met. */
  LimitsMet met();

 private:
  void count(const std::string& line);

  std::string beginning_;
  std::mutex mutex_;
  /** The lines that were in the buffer when it was last read, without `beginning_`. */
  std::vector<std::string> seen_;
  LimitsMet met_;
};

}  // namespace buildjail
