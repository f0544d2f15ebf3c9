#pragma once

#include <cstdint>
#include <optional>
#include <vector>

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

  [[nodiscard]] std::vector<AppliedLimit> applied() const;
};

/** @param held those that are held for all processes together */
LesserLimits lesser_limits(const Limits& asked, const Limits& held);

}  // namespace buildjail
