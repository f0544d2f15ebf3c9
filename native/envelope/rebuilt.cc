#include "envelope/rebuilt.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "envelope/mount_points.h"
#include "envelope/output.h"
#include "envelope/session_directory.h"
#include "envelope/sources.h"
#include "envelope/state_entry.h"
#include "state/lease.h"
#include "state/lent_output.h"

namespace buildjail {

namespace {

Status rebuild(std::span<const Rebuild> table, Remains& remains) {
  const auto& facts = remains.entry.facts;
  for (const Fact& fact : facts) {
    if (std::ranges::find(table, fact.part, &Rebuild::part) == table.end())
      return not_noted_by_us("it tells of '" + fact.part + "', which this version does not know");
  }
  for (const Rebuild& row : table) {
    for (const Fact& fact : facts) {
      if (fact.part != row.part) continue;
      if (auto status = row.rebuild(fact, remains); !status) return status;
    }
  }
  return {};
}

void tell(const Trace& trace, RecoveredSession& recovered) {
  for (const auto& [step, path, ns] : trace.entries()) {
    if (step == "jail_remove") recovered.jail = path;
    if (step.starts_with("unmount")) recovered.unmounted.push_back(path);
    if (step == "hand-back") recovered.handed_back.push_back(path);
    if (step == "lost") recovered.lost.push_back(path);
  }
}

}  // namespace

std::vector<SysError> take_away_rebuilt(std::span<const Rebuild> table, const std::string& state_directory,
                                        const JournalEntry& entry, Journal& journal, Outcome& outcome) {
  Parts parts;
  parts.push_back(std::make_unique<StateEntry>(journal, entry.id, entry.name));
  // Only FreeBSD's sessions make one, but what lies there by that name is nobody else's.
  parts.push_back(std::make_unique<SessionDirectory>(root_of(state_directory, entry.id), true));
  if (!entry.host_directory.empty())
    parts.push_back(
        std::make_unique<SourcesLeftNoted>(Lessee{.host_directory = entry.host_directory,
                                                  .session = {.id = entry.id, .state_directory = state_directory},
                                                  .recovery_of = {}}));
  Remains remains{.state_directory = state_directory, .entry = entry, .parts = parts, .left_alone = outcome.left_alone};
  if (auto status = rebuild(table, remains); !status) return {std::move(status.error())};
  Walk walk(std::move(parts));
  CloseReport report = walk.take_away();
  walk.leave();
  tell(report.trace, *outcome.recovered);
  for (auto& [path, what] : report.left_in_outputs)
    outcome.left_alone.push_back({std::move(path), "a build left it with what cannot be taken away: " + what});
  return std::move(report.failures);
}

SysError not_noted_by_us(const std::string& what) {
  return {.step = "recover", .syscall = "read", .err = EINVAL, .path = {}, .dest = {}, .detail = what};
}

Status rebuild_lease(const Fact& fact, Remains& remains) {
  const auto noted = noted_output(fact);
  if (!noted) return not_noted_by_us("the journal tells of an output what no session of this version would");
  const JournalEntry& entry = remains.entry;
  if (entry.host_directory.empty()) return not_noted_by_us("the journal does not tell where its leases are");
  auto lease = std::make_unique<LeaseLeft>(lease_of(entry.host_directory, noted->before.dev, noted->before.ino),
                                           Holding{.id = entry.id, .state_directory = remains.state_directory});
  remains.leases.emplace(&fact, lease.get());
  remains.parts.push_back(std::move(lease));
  return {};
}

Status rebuild_output(const Fact& fact, Remains& remains) {
  if (!remains.leases.contains(&fact)) {
    if (auto status = rebuild_lease(fact, remains); !status) return status;
  }
  remains.parts.push_back(std::make_unique<OutputLeftLent>(*noted_output(fact), *remains.leases.at(&fact)));
  return {};
}

Status rebuild_mount_point(const Fact& fact, Remains& remains) {
  auto noted = noted_point(fact);
  const JournalEntry& entry = remains.entry;
  if (!noted || entry.host_directory.empty())
    return not_noted_by_us("the journal tells of a mount point what no session of this version would");
  if (!noted->point) return {};
  // What was about to be made was made, or was somebody else's, once the journal tells of what was made.
  const bool is_settled = std::ranges::any_of(entry.facts, [&noted](const Fact& other) {
    const auto made = other.part == kMountPoint ? noted_point(other) : std::nullopt;
    return made && !made->point && made->folder.dev == noted->folder.dev && made->folder.ino == noted->folder.ino;
  });
  if (noted->point->ino == 0 && is_settled) return {};
  remains.parts.push_back(std::make_unique<MountPointLeft>(
      std::move(*noted), entry.host_directory, Holding{.id = entry.id, .state_directory = remains.state_directory}));
  return {};
}

}  // namespace buildjail
