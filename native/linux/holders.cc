#include "linux/holders.h"

#include <algorithm>
#include <optional>

#include "linux/proc_files.h"
#include "linux/process_tree.h"

namespace buildjail {

namespace {

void add(std::vector<Holder>& holders, const char* kind, pid_t pid) {
  if (const auto status = status_of(pid))
    holders.push_back({.kind = kind, .pid = pid, .command = status->command, .path = {}});
}

}  // namespace

std::vector<Holder> processes_left_with(pid_t init) {
  std::vector<Holder> holders;
  const auto below = descendants_of(init);
  // An init that is ending has no memory any more, and nobody but root is told its namespaces then: it was not
  // dumpable.
  auto space = pid_namespace_of(init);
  for (auto pid = below.begin(); !space && pid != below.end(); ++pid) space = pid_namespace_of(*pid);
  const auto is_inside = [&](pid_t pid) {
    return pid == init || std::ranges::find(below, pid) != below.end() || (space && pid_namespace_of(pid) == space);
  };
  for (const pid_t pid : list_processes()) {
    const auto status = is_inside(pid) ? status_of(pid) : std::nullopt;
    // init itself waits for the others only (pid_namespaces(7)), unless it is the one that is traced.
    if (!status || (pid == init && status->tracer == 0)) continue;
    holders.push_back({.kind = "process", .pid = pid, .command = status->command, .path = {}});
    if (status->tracer != 0) add(holders, "tracer", status->tracer);
  }
  return holders;
}

}  // namespace buildjail
