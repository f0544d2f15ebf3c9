#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plan/limits.h"

namespace buildjail {

struct CommandLimits;
struct Ending;

/** What all processes of a session have taken together; nothing where the system does not account it. */
struct SessionUsage {
  /** User and system time in microseconds, of processes that have ended as well. */
  std::optional<std::uint64_t> cpu_us;
  /** In bytes. */
  std::optional<std::uint64_t> memory, peak_memory, swap;
  std::optional<std::uint64_t> processes, peak_processes;
  /** In bytes, from and to devices. */
  std::optional<std::uint64_t> bytes_read, bytes_written;
  /** What has counted: `cgroup v2`, `cgroup v1`, `rctl`. Empty where nothing does. */
  std::string by;
};

/** How often something inside met a limit. Counts only grow. */
struct LimitsMet {
  /** Processes that were killed for want of memory. */
  std::uint64_t memory = 0;
  std::uint64_t swap = 0;
  /** Processes that could not be started. */
  std::uint64_t processes = 0;
};

/** A limit that holds, and what holds it: `memory.max`, `rctl`, ... */
struct AppliedLimit {
  Limit limit;
  /** In the limit's unit, as it was asked of the kernel. */
  std::uint64_t value = 0;
  std::string by;
};

/**
 * The limit that ended a command which did not succeed, as far as that can be told. A shell that tells of the
 * signal of its last program by its exit status (sh(1), 128 + n) is taken at its word. `before` and `after` are what
 * the session had met of its limits at the launch and at the end.
 */
std::optional<Limit> ended_by(const Ending& ending, const CommandLimits& limits, const LimitsMet& before,
                              const LimitsMet& after);

}  // namespace buildjail
