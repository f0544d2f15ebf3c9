// What several of these tests need of a session: its folder, its journal, and somebody to recover it.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "envelope/mount_points.h"
#include "envelope/output.h"
#include "envelope/part_list.h"
#include "envelope/sources.h"
#include "state/files.h"
#include "state/journal.h"
#include "state/lease.h"
#include "state/lent_output.h"
#include "state/recovery.h"

namespace buildjail {

inline std::string make_folder() {
  std::string folder = "/tmp/buildjail-core-XXXXXX";
  return ::mkdtemp(folder.data()) == nullptr ? std::string() : folder;
}

inline constexpr const char* kFirst = "00000000000000f1";
inline constexpr const char* kSecond = "00000000000000f2";

/** Of a session of this process. */
inline JournalEntry entry_of(const std::string& id, const std::string& host_directory = {}) {
  return {.id = id, .name = "demo", .pid = ::getpid(), .started_ms = 1, .host_directory = host_directory, .facts = {}};
}

/**
 * A session of which nothing but its entry is there, and the entry left to a recovery. Its leases are in its state
 * directory unless named.
 */
inline void leave_dead(const std::string& folder, const std::string& id, const std::vector<Fact>& more = {},
                       const std::string& leases = {}) {
  Journal journal(journal_of(folder, id));
  std::vector<Fact> facts = StateEntry(journal, entry_of(id, leases.empty() ? folder : leases)).facts();
  facts.insert(facts.end(), more.begin(), more.end());
  if (!journal.begin() || !journal.note(facts)) std::abort();
}

/** The lease of an output, as a session that died has left it. */
inline void leave_leased(const std::string& leases, const LeaseHolder& dead, const LentOutput& output,
                         const Fact& lent) {
  const std::string file = output_lease_file(leases, output.dev, output.ino);
  const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd || !append("lease", file, fd.get(), line_of(dead) + facts_text({lent}))) std::abort();
}

/** Of a system whose sessions are made of these parts. Their leases are in their state directory unless named. */
template <class List>
Recovery recovery_of_parts(const std::string& state_directory, const std::string& leases = {}) {
  return {state_directory, leases.empty() ? state_directory : leases,
          [state_directory](const JournalEntry& entry, Journal& journal, Outcome& outcome) -> std::vector<SysError> {
            DeadSession dead{
                .state_directory = state_directory, .entry = entry, .journal = journal, .leftovers = outcome.leftovers};
            auto parts = List::left(dead);
            if (!parts) return {std::move(parts.error())};
            return take_away_left(std::move(*parts), outcome);
          }};
}

/** Of a system whose sessions leave nothing but outputs. */
using OutputParts = PartList<StateEntry, SessionDirectory, OutputLease, SourceList, MountPoints, LentDirectory>;
inline Recovery recovery_in(const std::string& state_directory) {
  return recovery_of_parts<OutputParts>(state_directory);
}

/** A session that leases in its own state directory. */
inline Lessee lessee_in(const std::string& folder, const std::string& id) {
  return {.host_directory = folder, .session = {.id = id, .state_directory = folder}, .recovery_of = recovery_in};
}

}  // namespace buildjail
