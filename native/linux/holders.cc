#include "linux/holders.h"

#include "linux/proc_files.h"

namespace buildjail {

namespace {

void add(std::vector<Holder>& holders, const char* kind, pid_t pid) {
  if (const auto status = status_of(pid))
    holders.push_back({.kind = kind, .pid = pid, .command = status->command, .path = {}});
}

}  // namespace

std::vector<Holder> processes_left_with(pid_t init) {
  std::vector<Holder> holders;
  const auto inside = pid_namespace_of(init);
  if (!inside) return holders;
  for (const pid_t pid : list_processes()) {
    // init itself waits for the others only (pid_namespaces(7)), unless it is the one that is traced.
    const auto status = pid_namespace_of(pid) == inside ? status_of(pid) : std::nullopt;
    if (!status || (pid == init && status->tracer == 0)) continue;
    holders.push_back({.kind = "process", .pid = pid, .command = status->command, .path = {}});
    if (status->tracer != 0) add(holders, "tracer", status->tracer);
  }
  return holders;
}

}  // namespace buildjail
