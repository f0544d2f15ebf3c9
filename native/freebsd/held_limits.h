#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "envelope/accounting.h"
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
 * Makes no system call where there are no limits. ENOTSUP for one that this host cannot hold, with its name in the
 * detail; where the plan wants what can be held, that one is left out.
 */
Result<HeldLimits> held_limits(const Limits& limits);

}  // namespace buildjail
