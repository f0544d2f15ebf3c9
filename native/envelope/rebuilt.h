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
  /** For what is found and not touched. */
  std::vector<LeftAlone>& left_alone;
};

/** How to make parts of a fact that a dead session noted, for them to be taken away. */
struct Rebuild {
  std::string_view part;
  std::function<Status(const Fact&, Remains&)> rebuild;
};

/**
 * Takes away a dead session, the youngest part first and its entry last. `table` has the parts in the order in which
 * they are made. EINVAL, with nothing touched, where a fact is of no part in it.
 */
std::vector<SysError> take_away_rebuilt(std::span<const Rebuild> table, const std::string& state_directory,
                                        const JournalEntry& entry, Journal& journal, Outcome& outcome);

SysError not_noted_by_us(const std::string& what);

/** Of every system: an output that was lent. */
Status rebuild_output(const Fact& fact, Remains& remains);

}  // namespace buildjail
