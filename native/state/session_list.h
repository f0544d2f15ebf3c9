#pragma once

#include <optional>
#include <string>
#include <vector>

#include "state/journal_entry.h"
#include "base/result.h"

namespace buildjail {

struct ListedSession {
  JournalEntry entry;
  /** Its owner lives; otherwise it is for a recovery. */
  bool is_live;
  /** FreeBSD: where its root is mounted. */
  std::string root{};
  /** FreeBSD: of its jail, where there is one. */
  std::optional<int> jid{};
};

/** The sessions that have a readable entry in the state directory. */
Result<std::vector<ListedSession>> list_sessions(const std::string& state_directory);

}  // namespace buildjail
