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

  /** With one more for init, if init belongs to the same user. */
  [[nodiscard]] std::uint64_t processes_with(bool init) const { return processes.value_or(0) + (init ? 1 : 0); }

  [[nodiscard]] std::vector<AppliedLimit> applied() const;
  /**
   * For an init that is of the same user as its commands. The kernel checks this limit when a process is made, and when
   * a process that has become another user executes (setrlimit(2), execve(2), EAGAIN): a command does not become
   * another user.
   */
  [[nodiscard]] Status hold_init(pid_t init) const;
};

/** @param held those that are held for all processes together */
LesserLimits lesser_limits(const Limits& asked, const Limits& held);

}  // namespace buildjail
