#include "freebsd/recovery.h"

#include <cerrno>
#include <utility>

#include "state/journal.h"
#include "state/recover_state.h"
#include "freebsd/jail.h"
#include "freebsd/mounts.h"
#include "freebsd/shared_memory.h"
#include "freebsd/state_file_system.h"

namespace buildjail {

namespace {

constexpr std::chrono::milliseconds kBusyBound{2000};
constexpr std::chrono::milliseconds kDyingBound{50};
constexpr std::chrono::milliseconds kDyingProcessBound{2000};

SysError no_journal_of(const std::string& what) {
  return {.step = "recover", .syscall = "read", .err = EINVAL, .path = {}, .dest = {}, .detail = what};
}

// Before anything is removed or unmounted by it: an empty root is a beginning of every path there is.
Status refuse_unless_session(const JournalEntry& entry, const std::string& state_directory) {
  if (entry.jail.empty()) return no_journal_of("the journal names no jail");
  if (state_directory.empty() || entry.root != root_of(state_directory, entry.id))
    return no_journal_of("the journal names a root that is not the session's own in the state directory");
  return {};
}

/** Whether the session's jail is there, by now without processes. */
Result<bool> end_jail(const JournalEntry& entry, Outcome& outcome) {
  auto found = find_jail(entry.jail);
  if (!found) return std::move(found.error());
  if (!*found) return false;
  const auto& [jid, path, is_dying] = **found;
  if (path != entry.root) {
    outcome.left_alone.push_back({path, "the jail " + entry.jail + " has this path, which is none of that session"});
    return false;
  }
  if (!is_dying) {
    if (auto status = remove_jail(jid); !status) return std::move(status.error());
    outcome.recovered->jail = entry.jail;
  }
  if (auto status = wait_empty(entry.jail, entry.root); !status) return std::move(status.error());
  return true;
}

/** What is mounted at or below the root, as the kernel lists it: the oldest first (getfsstat(2)). */
Result<std::vector<MountEntry>> mounts_of(const std::string& root) {
  auto table = mount_table();
  if (!table) return table;
  std::erase_if(*table,
                [&root](const MountEntry& mount) { return mount.on != root && !mount.on.starts_with(root + "/"); });
  return table;
}

Status unmount_all(const std::vector<MountEntry>& mounts, const JournalEntry& entry, bool has_jail, Trace& trace) {
  const std::string& root = entry.root;
  MountStack stack;
  for (const MountEntry& mount : mounts) stack.push(mount.fsid, mount.on);
  const bool has_root = !mounts.empty() && mounts.front().on == root;
  auto failures = stack.unmount_down_to(has_root ? 1 : 0, kBusyBound, trace);
  if (!failures.empty()) return std::move(failures.front());
  if (!has_root) return {};
  // As in JailEnvelope::take_root: a dying jail holds its root, which no process does any more.
  const bool is_held = has_jail && is_jail_known(entry.jail, root);
  if (is_held) remove_shared_memory(root);
  failures = stack.unmount_down_to(0, is_held ? kDyingBound : kBusyBound, trace);
  if (failures.empty()) return {};
  return is_held && failures.front().holders.empty() ? stack.force_last(trace) : Status(std::move(failures.front()));
}

Status take_away(const JournalEntry& entry, Outcome& outcome) {
  const auto has_jail = end_jail(entry, outcome);
  if (!has_jail) return has_jail.error();
  const auto mounts = mounts_of(entry.root);
  if (!mounts) return mounts.error();
  Trace trace;
  auto status = unmount_all(*mounts, entry, *has_jail, trace);
  for (const TraceEntry& unmounted : trace.entries()) outcome.recovered->unmounted.push_back(unmounted.path);
  return status;
}

}  // namespace

Recovery recovery_of(const std::string& state_directory) {
  return {state_directory, [directory = state_directory](const JournalEntry& entry, Outcome& outcome) {
            auto status = refuse_unless_session(entry, directory);
            return status ? take_away(entry, outcome) : status;
          }};
}

RecoveryReport recover_state(const std::string& state_directory, std::chrono::milliseconds bound, pid_t dying) {
  auto held = StateFileSystem::hold_mounted(state_directory);
  if (!held) return {.recovered = {}, .left_alone = {{state_directory, reason_of(held.error())}}};
  auto report = recovery_of(state_directory).run(bound, dying);
  if (!*held) return report;
  // A process that ends may not have let go of the state directory yet, and will not unmount it when it does.
  const auto status = (**held).release(dying > 0 ? kDyingProcessBound : std::chrono::milliseconds(0));
  if (!status) report.left_alone.push_back({state_directory, reason_of(status.error())});
  return report;
}

}  // namespace buildjail
