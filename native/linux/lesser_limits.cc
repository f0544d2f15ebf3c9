#include "linux/lesser_limits.h"

#include <utility>

#include "linux/kernel_version.h"

namespace buildjail {

namespace {

/** Counts the processes of a user in each user namespace by themselves: before, all that the user has on the host. */
constexpr std::pair kCountsInNamespaces{5, 14};

}  // namespace

std::vector<AppliedLimit> LesserLimits::applied() const {
  std::vector<AppliedLimit> applied;
  if (memory) applied.push_back({.limit = Limit::kMemory, .value = *memory, .by = "RLIMIT_DATA, for each process"});
  if (processes)
    applied.push_back({.limit = Limit::kProcesses, .value = *processes, .by = "RLIMIT_NPROC, for each user"});
  return applied;
}

LesserLimits lesser_limits(const Limits& asked, const Limits& held) {
  LesserLimits lesser;
  if (!asked.is_best_effort) return lesser;
  if (!held.memory) lesser.memory = asked.memory;
  if (!held.processes && kernel_version() >= kCountsInNamespaces) lesser.processes = asked.processes;
  return lesser;
}

}  // namespace buildjail
