#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "envelope/output.h"
#include "envelope/walk.h"
#include "state/journal.h"
#include "state/recovery.h"

namespace buildjail {

/** A dead session that is being taken away. */
struct Remains {
  const std::string& state_directory;
  const JournalEntry& entry;
  Parts& parts;
  /** Things that were found and not touched. */
  std::vector<LeftAlone>& left_alone;
  /** Those of lent outputs, by the fact that tells of it. */
  std::map<const Fact*, LeaseLeft*> leases{};
};

/** How one fact of a dead session becomes parts, to be taken away. */
struct Rebuild {
  std::string_view part;
  std::function<Status(const Fact&, Remains&)> rebuild;
};

/**
 * Takes away a dead session, the youngest part first and its entry last. The rows of `table` are in the order in which
 * an opening makes the parts. EINVAL, with nothing touched, for a fact whose part has no row.
 */
std::vector<SysError> take_away_rebuilt(std::span<const Rebuild> table, const std::string& state_directory,
                                        const JournalEntry& entry, Journal& journal, Outcome& outcome);

SysError not_noted_by_us(const std::string& what);

// Rows that all systems have, one after the other: an output that was lent has its lease for as long as anything of the
// session is in it, and comes back first, as a build may have shut the folders that mount points are in.
Status rebuild_lease(const Fact& fact, Remains& remains);
Status rebuild_mount_point(const Fact& fact, Remains& remains);
/** With its lease, where nothing else stands between the two. */
Status rebuild_output(const Fact& fact, Remains& remains);

}  // namespace buildjail
