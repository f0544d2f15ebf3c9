#include "freebsd/processes.h"

#include <sys/param.h>
#include <sys/proc.h>
#include <sys/sysctl.h>
#include <sys/user.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "freebsd/sysctl.h"

namespace buildjail {

namespace {

int jail_of(const kinfo_proc& process) { return process.ki_jid; }

ProcessEntry entry_of(const kinfo_proc& process) {
  return {.pid = process.ki_pid, .command = process.ki_comm, .jid = jail_of(process), .tracer = process.ki_tracer};
}

Result<std::vector<kinfo_proc>> all_processes() {
  const std::array<int, 3> mib{CTL_KERN, KERN_PROC, KERN_PROC_PROC};
  const auto answer = read_sysctl(mib);
  if (!answer) return answer.error();
  return records_of<kinfo_proc, int>(*answer);
}

// Asked again right before a signal: a pid that was listed may belong to a process of the host by now.
bool is_in(int jid, pid_t pid) {
  std::array<int, 4> mib{CTL_KERN, KERN_PROC, KERN_PROC_PID, pid};
  kinfo_proc process{};
  std::size_t size = sizeof(process);
  return ::sysctl(mib.data(), mib.size(), &process, &size, nullptr, 0) == 0 && size == sizeof(process) &&
         jail_of(process) == jid;
}

}  // namespace

Credentials credentials_in(const kinfo_proc& process) {
  const auto count = static_cast<std::size_t>(std::clamp<int>(process.ki_ngroups, 0, KI_NGROUPS));
  return {.pid = process.ki_pid,
          .uid = process.ki_uid,
          .real_uid = process.ki_ruid,
          .saved_uid = process.ki_svuid,
          // The kernel shows the effective gid in front of the supplementary groups (kinfo_proc, ki_groups).
          .gid = process.ki_groups[0],
          .real_gid = process.ki_rgid,
          .saved_gid = process.ki_svgid,
          .groups = {process.ki_groups + std::min<std::size_t>(1, count), process.ki_groups + count},
          .jid = jail_of(process)};
}

Result<bool> has_processes(int jid) {
  const auto processes = all_processes();
  if (!processes) return processes.error();
  return std::any_of(processes->begin(), processes->end(),
                     [jid](const auto& process) { return jail_of(process) == jid; });
}

Result<std::vector<ProcessEntry>> list_processes() {
  const auto processes = all_processes();
  if (!processes) return processes.error();
  std::vector<ProcessEntry> entries;
  entries.reserve(processes->size());
  for (const auto& process : *processes) entries.push_back(entry_of(process));
  return entries;
}

Result<std::optional<ProcessEntry>> process_of_user(uid_t uid) {
  for (const int whose : {KERN_PROC_UID, KERN_PROC_RUID}) {
    std::array<int, 4> mib{CTL_KERN, KERN_PROC, whose, static_cast<int>(uid)};
    // There is room for one. If there are more, the kernel fills in the first and fails with ENOMEM (sysctl(3)).
    kinfo_proc process{};
    std::size_t size = sizeof(process);
    const bool is_whole = ::sysctl(mib.data(), mib.size(), &process, &size, nullptr, 0) == 0 || errno == ESRCH;
    if (process.ki_pid != 0) return std::optional(entry_of(process));
    // ENOMEM without a process: the kernel had no memory for the answer.
    if (!is_whole) return last_error("processes", "sysctl", "kern.proc.uid");
  }
  return std::optional<ProcessEntry>();
}

Result<std::size_t> signal_each_in(int jid, const Chosen& chosen, int signal) {
  const auto processes = all_processes();
  if (!processes) return processes.error();
  std::size_t found = 0;
  for (const auto& process : *processes) {
    if (jail_of(process) != jid || process.ki_stat == SZOMB || process.ki_pid == chosen.except) continue;
    if (!chosen.login_class.empty() && chosen.login_class != process.ki_loginclass) continue;
    if (!is_in(jid, process.ki_pid)) continue;
    found += 1;
    static_cast<void>(::kill(process.ki_pid, signal));
  }
  return found;
}

}  // namespace buildjail
