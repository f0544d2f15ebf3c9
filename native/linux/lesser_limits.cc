#include "linux/lesser_limits.h"

#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "linux/kernel_version.h"

namespace buildjail {

namespace {

/**
 * Since this version the kernel counts a user's processes in each user namespace separately. Before, it counted all
 * that the user has on the host.
 */
constexpr std::pair kCountsInNamespaces{5, 14};

}  // namespace

std::vector<AppliedLimit> LesserLimits::applied() const {
  std::vector<AppliedLimit> applied;
  if (memory) applied.push_back({.limit = Limit::kMemory, .value = *memory, .by = "RLIMIT_DATA, for each process"});
  if (processes)
    applied.push_back({.limit = Limit::kProcesses, .value = *processes, .by = "RLIMIT_NPROC, for each user"});
  return applied;
}

Status LesserLimits::hold_init(pid_t init) const {
  if (!processes) return {};
  rlimit bounds{};
  if (::prlimit(init, RLIMIT_NPROC, nullptr, &bounds) != 0) return last_error("limits", "prlimit");
  bounds.rlim_max = std::min<rlim_t>(bounds.rlim_max, processes_with(true));
  bounds.rlim_cur = std::min(bounds.rlim_cur, bounds.rlim_max);
  return ::prlimit(init, RLIMIT_NPROC, &bounds, nullptr) == 0 ? Status() : last_error("limits", "prlimit");
}

LesserLimits lesser_limits(const Limits& asked, const Limits& held) {
  LesserLimits lesser;
  if (!asked.is_best_effort) return lesser;
  if (!held.memory) lesser.memory = asked.memory;
  if (!held.processes && kernel_version() >= kCountsInNamespaces) lesser.processes = asked.processes;
  return lesser;
}

}  // namespace buildjail
