#pragma once

#include <cstdint>
#include <optional>

namespace buildjail {

/**
 * How much all processes of a session may take together. Nothing: as much as there is. What is limited for each process
 * comes with its command (launch/launch_request.h).
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
  /** Somebody watches how much processor time the session takes (Envelope::usage), so that it has to be counted. */
  bool counts_cpu_time = false;
  /** What cannot be held here is left out, instead of refusing the session. */
  bool is_best_effort = false;

  [[nodiscard]] bool is_empty() const { return !memory && !swap && !processes && !cpus && !counts_cpu_time; }
};

/** One that can end a build or a command of it. */
enum class Limit : std::uint8_t { kMemory, kSwap, kProcesses, kCpus, kCpuTime, kOpenFiles, kFileSize, kOutput };

/** As src/spec/fields/limits.ts names it. */
constexpr const char* name_of(Limit limit) {
  switch (limit) {
    case Limit::kMemory:
      return "memory";
    case Limit::kSwap:
      return "swap";
    case Limit::kProcesses:
      return "processes";
    case Limit::kCpus:
      return "cpus";
    case Limit::kCpuTime:
      return "cpuTime";
    case Limit::kOpenFiles:
      return "openFiles";
    case Limit::kFileSize:
      return "fileSize";
    case Limit::kOutput:
      return "output";
  }
  return "";
}

}  // namespace buildjail
