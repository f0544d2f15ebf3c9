#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "envelope/walk.h"
#include "state/journal.h"
#include "state/journal_entry.h"
#include "state/recovery.h"

namespace buildjail {

/** A dead session that is being taken away. */
struct Remains {
  const std::string& state_directory;
  const JournalEntry& entry;
  Parts& parts;
  /** Things that were found and not touched. */
  std::vector<LeftAlone>& left_alone;
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

/** A row that all systems have: an output that was lent. */
Status rebuild_output(const Fact& fact, Remains& remains);
/** And this: a mount point in one. Its row comes after, as it goes while the folder still has its lease. */
Status rebuild_mount_point(const Fact& fact, Remains& remains);

}  // namespace buildjail
