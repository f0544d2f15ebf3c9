#include "state/recovery.h"

#include <utility>

#include "freebsd/parts.h"
#include "freebsd/state_file_system.h"

namespace buildjail {

namespace {

constexpr std::chrono::milliseconds kDyingProcessBound{2000};

// With an empty root every path would match, and everything could be unmounted.
Status refuse_unless_session(const JournalEntry& entry, const std::string& state_directory) {
  if (entry.fact(JailPart::kFacts, JailPart::kName).empty()) return not_noted_by_us("it names no jail");
  if (state_directory.empty() || entry.fact(Root::kFacts, Root::kPath) != root_of(state_directory, entry.id))
    return not_noted_by_us("it names a root that is not the session's own in the state directory");
  return {};
}

std::vector<SysError> take_away(const std::string& state_directory, const JournalEntry& entry, Journal& journal,
                                Outcome& outcome) {
  if (auto status = refuse_unless_session(entry, state_directory); !status) return {std::move(status.error())};
  SessionJail jail{.root = root_of(state_directory, entry.id)};
  DeadJailSession dead{
      {.state_directory = state_directory, .entry = entry, .journal = journal, .leftovers = outcome.leftovers}, jail};
  auto parts = JailParts::left(dead);
  if (!parts) return {std::move(parts.error())};
  return take_away_left(std::move(*parts), outcome);
}

}  // namespace

// Before FreeBSD 15 the jail of a killed process is left, with all that runs in it; on any version its mounts and its
// outputs. A jail is removed only if it has the name and the root that were noted. Mounts are unmounted if the kernel
// lists them below the session's own folder.
Recovery recovery_of(const std::string& state_directory, const std::string& leases) {
  return {state_directory, leases,
          [directory = state_directory](const JournalEntry& entry, Journal& journal, Outcome& outcome) {
            return take_away(directory, entry, journal, outcome);
          }};
}

RecoveryReport recover_state(const std::string& state_directory, const std::string& leases, pid_t dying) {
  auto held = StateFileSystem::hold_mounted(state_directory);
  if (!held) return {.recovered = {}, .leftovers = {{state_directory, reason_of(held.error())}}};
  auto report = recovery_of(state_directory, leases).run(kOthersBound, dying);
  if (!*held) return report;
  // A process that is ending may still hold the state directory, and will not unmount it.
  const auto status = (**held).release(dying > 0 ? kDyingProcessBound : std::chrono::milliseconds(0));
  if (!status) report.leftovers.push_back({state_directory, reason_of(status.error())});
  return report;
}

}  // namespace buildjail
