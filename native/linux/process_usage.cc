#include "linux/process_usage.h"

#include "linux/proc_files.h"

namespace buildjail {

SessionUsage usage_of_processes(pid_t init) {
  SessionUsage usage;
  const auto space = pid_namespace_of(init);
  if (!space) return usage;
  std::uint64_t time_us = 0;
  std::uint64_t count = 0;
  for (const pid_t pid : list_processes()) {
    if (pid_namespace_of(pid) != space) continue;
    if (pid != init) count += 1;
    if (const auto times = times_of(pid)) time_us += times->own_us + times->waited_us;
  }
  usage.cpu_us = time_us;
  usage.processes = count;
  usage.by = "/proc";
  return usage;
}

}  // namespace buildjail
