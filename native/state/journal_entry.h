#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "state/fact.h"

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
  /** Where its leases are (host_directory.h). A recovery may be done where another place would be found. */
  std::string host_directory;
  /** Somebody found its owner dead and is taking it away. */
  bool is_being_recovered = false;
  /** The facts that its parts noted, the oldest first. */
  std::vector<Fact> facts;

  /** The first of that part and key; empty where there is none. */
  [[nodiscard]] std::string_view fact(std::string_view part, std::string_view key) const;
};

/** The facts that JournalEntry has members for. */
std::vector<Fact> session_facts(const JournalEntry& entry);
Fact recovering_fact(pid_t pid);

/** A new entry. Later facts are appended to it. */
std::string entry_text(const std::vector<Fact>& facts);
std::string facts_text(const std::vector<Fact>& facts);

/**
 * Reads an entry. A last line without its end is not there yet, nor is the fact in it; nothing when that is so of the
 * new entry itself. EINVAL, with what is wrong, when it is no entry of ours or damaged.
 */
Result<std::optional<JournalEntry>> read_entry(const std::string& path, std::string_view text);

}  // namespace buildjail
