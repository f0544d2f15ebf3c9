#pragma once

#include <sys/resource.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <optional>
#include <string_view>

namespace buildjail {

/**
 * The limits of all processes of a session together; an empty one is no limit. Limits of each process come with its
 * command (CommandLimits).
 */
struct Limits {
  /** In bytes. */
  std::optional<std::uint64_t> memory;
  /** In bytes; 0: none at all. */
  std::optional<std::uint64_t> swap;
  /** At a time, threads as well where the system counts those. */
  std::optional<std::uint64_t> processes;
  /** In thousandths of one processor. */
  std::optional<std::uint64_t> cpus;
  /** The session's processor time is counted, because it will be asked for (Envelope::usage). */
  bool counts_cpu_time = false;
  /** Limits that cannot be held here are left out. Otherwise they refuse the session. */
  bool is_best_effort = false;

  [[nodiscard]] bool is_empty() const { return !memory && !swap && !processes && !cpus && !counts_cpu_time; }
};

/** A limit, by its name in src/spec/fields/limits.ts. */
struct Limit {
  std::string_view name;

  bool operator==(const Limit&) const = default;

  static const Limit kMemory, kSwap, kProcesses, kCpus, kCpuTime, kStdio, kTmpSize, kTmpFiles;
};

inline constexpr Limit Limit::kMemory{"memory"};
inline constexpr Limit Limit::kSwap{"swap"};
inline constexpr Limit Limit::kProcesses{"processes"};
inline constexpr Limit Limit::kCpus{"cpus"};
inline constexpr Limit Limit::kCpuTime{"cpuTime"};
inline constexpr Limit Limit::kStdio{"stdio"};
inline constexpr Limit Limit::kTmpSize{"tmpSize"};
inline constexpr Limit Limit::kTmpFiles{"tmpFiles"};

/** A limit that the kernel holds for each process of a command by itself (setrlimit(2)). */
struct Rlimit {
  Limit limit;
  int resource;
  /** The signal for a process that reaches the limit; 0: a call fails instead, and the command reports that. */
  int signal = 0;
  /** The distance of the hard limit above the soft one. */
  std::uint64_t grace = 0;
};

/** The place of each is its number on the wire (src/spec/fields/limits.ts, `rlimit`). */
inline constexpr auto kRlimits = std::to_array<Rlimit>({
    // A second in which a process can report that its time is over. Then it is killed.
    {.limit = Limit::kCpuTime, .resource = RLIMIT_CPU, .signal = SIGXCPU, .grace = 1},
    {.limit = {"openFiles"}, .resource = RLIMIT_NOFILE},
    {.limit = {"fileSize"}, .resource = RLIMIT_FSIZE, .signal = SIGXFSZ},
    // SIGSEGV says too little: a process gets it for other reasons too.
    {.limit = {"stackSize"}, .resource = RLIMIT_STACK},
});

/** The limits of one command; 0 is the limit of the host program. */
struct CommandLimits {
  /** Of each of its processes, in the order of kRlimits. Processor time is in seconds, and sizes are in bytes. */
  std::array<std::uint64_t, kRlimits.size()> of_processes{};
  /** Bytes of stdout and stderr together. Beyond them the command is killed with all that it started. */
  std::uint64_t stdio = 0;
};

}  // namespace buildjail
