#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "state/lent_output.h"
#include "base/result.h"

namespace buildjail {

/**
 * What is known of a session by more than itself: written before it is made, and read by whoever finds its owner dead.
 * As text, a line a fact, so that it can be read without this package too.
 */
struct JournalEntry {
  std::string id;
  /** The plan's; may be empty. */
  std::string name;
  /** The process that opened it. */
  pid_t pid = 0;
  /** Milliseconds since 1970. */
  std::int64_t started_ms = 0;
  /** FreeBSD: where its root is mounted. */
  std::string root;
  /** FreeBSD: what its jail is called. */
  std::string jail;
  uid_t user = 0;
  std::vector<LentOutput> lent;
  /** Somebody found its owner dead and is taking it away. */
  bool is_being_recovered = false;
};

/** A new entry. Later facts are appended to it. */
std::string entry_text(const JournalEntry& entry);
std::string lent_text(const LentOutput& output);
std::string recovering_text(pid_t pid);

/**
 * Reads an entry. A last line without its end is not there yet, nor is what it tells of; nothing when that is so of the
 * new entry itself. EINVAL, with what is wrong, when it is none of ours or damaged.
 */
Result<std::optional<JournalEntry>> read_entry(const std::string& path, std::string_view text);

}  // namespace buildjail
