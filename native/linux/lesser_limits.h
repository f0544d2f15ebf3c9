#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "envelope/record.h"
#include "plan/limits.h"

namespace buildjail {

/**
 * Limits of all processes together that no cgroup holds here, as far as setrlimit(2) does. That is less than was asked
 * for, so only a best-effort plan has them.
 */
struct LesserLimits {
  /** Bytes of each process (RLIMIT_DATA): its heap and its other private memory that it may write to, without stacks.
   */
  std::optional<std::uint64_t> memory;
  /** Processes and threads of each user of the session (RLIMIT_NPROC). */
  std::optional<std::uint64_t> processes;

  /** Of a user that init is too, or is not. */
  [[nodiscard]] std::uint64_t processes_with(bool init) const { return processes.value_or(0) + (init ? 1 : 0); }

  [[nodiscard]] std::vector<AppliedLimit> applied() const;
  /**
   * Of an init that is of the same user as its commands. The kernel looks when a process is made, and when one that has
   * become another user executes (setrlimit(2), execve(2), EAGAIN): such a command becomes none.
   */
  [[nodiscard]] Status hold_init(pid_t init) const;
};

/** @param held those that are held for all processes together */
LesserLimits lesser_limits(const Limits& asked, const Limits& held);

}  // namespace buildjail
