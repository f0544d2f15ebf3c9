#include "freebsd/recovery.h"

#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include "envelope/commands.h"
#include "envelope/mount_points.h"
#include "envelope/rebuilt.h"
#include "freebsd/mounts.h"
#include "freebsd/parts/jail_part.h"
#include "freebsd/parts/root.h"
#include "freebsd/parts/rules.h"
#include "freebsd/session_jail.h"
#include "freebsd/state_file_system.h"
#include "state/journal.h"
#include "state/lent_output.h"
#include "state/recovery.h"

namespace buildjail {

namespace {

constexpr std::chrono::milliseconds kDyingProcessBound{2000};

// Before anything is removed or unmounted by it: an empty root is a beginning of every path there is.
Status refuse_unless_session(const JournalEntry& entry, const std::string& state_directory) {
  if (entry.fact(JailPart::kFacts, JailPart::kName).empty()) return not_noted_by_us("the journal names no jail");
  if (state_directory.empty() || entry.fact(Root::kFacts, Root::kPath) != root_of(state_directory, entry.id))
    return not_noted_by_us("the journal names a root that is not the session's own in the state directory");
  return {};
}

/** What is mounted at or below it, as the kernel lists it: the oldest first (getfsstat(2)). */
Status rebuild_mounts(SessionJail& jail, Parts& parts) {
  const auto table = mount_table();
  if (!table) return table.error();
  for (const MountEntry& mount : *table) {
    if (mount.on == jail.root) parts.push_back(std::make_unique<Root>(jail, mount.fsid));
    if (mount.on.starts_with(jail.root + "/")) parts.push_back(std::make_unique<Mount>(jail, mount.on, mount.fsid));
  }
  return {};
}

Status rebuild_jail(SessionJail& jail, const std::string& name, Remains& remains) {
  const auto found = find_jail(name);
  if (!found) return found.error();
  if (!*found) return {};
  const std::string& path = (**found).path;
  if (path != jail.root) {
    remains.left_alone.push_back({path, "the jail " + name + " has this path, which is not that session's"});
    return {};
  }
  jail.jail.emplace(name, **found);
  remains.parts.push_back(std::make_unique<Commands>([&jail](Trace& trace) { return jail.end_processes(trace); }));
  return {};
}

/** Of its own jail alone: rules of no jail are those of all (rctl(8)). */
Status rebuild_rules(const Fact& fact, Remains& remains) {
  // defence: limits-journal-takes-away
  if (fact.value.empty() || fact.value != remains.entry.fact(JailPart::kFacts, JailPart::kName))
    return not_noted_by_us("the journal tells of rules on a jail that is not the session's own");
  remains.parts.push_back(std::make_unique<Rules>(fact.value));
  return {};
}

std::vector<SysError> take_away(const std::string& state_directory, const JournalEntry& entry, Journal& journal,
                                Outcome& outcome) {
  if (auto status = refuse_unless_session(entry, state_directory); !status) return {std::move(status.error())};
  SessionJail jail{.root = root_of(state_directory, entry.id)};
  const std::array table{
      Rebuild{kLentOutput, rebuild_lease},
      Rebuild{kMountPoint, rebuild_mount_point},
      Rebuild{kLentOutput, rebuild_output},
      Rebuild{Root::kFacts, [&jail](const Fact&, Remains& remains) { return rebuild_mounts(jail, remains.parts); }},
      Rebuild{Rules::kFacts, rebuild_rules},
      Rebuild{JailPart::kFacts,
              [&jail](const Fact& fact, Remains& remains) { return rebuild_jail(jail, fact.value, remains); }}};
  return take_away_rebuilt(table, state_directory, entry, journal, outcome);
}

}  // namespace

Recovery recovery_of(const std::string& state_directory) {
  return {state_directory,
          [directory = state_directory](const JournalEntry& entry, Journal& journal, Outcome& outcome) {
            return take_away(directory, entry, journal, outcome);
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
