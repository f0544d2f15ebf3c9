#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace buildjail {

/** A line of a journal: a part, a key and a value. The part and the key have no space. */
struct Fact {
  std::string part;
  std::string key;
  std::string value;
};

/**
 * The facts about a session that a recovery needs, written before the objects are made. A journal is text, one fact a
 * line, so that people can read it too.
 */
struct JournalEntry {
  std::string id;
  /** The name in the plan; may be empty. */
  std::string name;
  /** The process that opened it. */
  pid_t pid = 0;
  /** Milliseconds since 1970. */
  std::int64_t started_ms = 0;
  /** The directory of its leases. */
  std::string host_directory;
  /** A recovery has found its owner dead. */
  bool is_being_recovered = false;
  /** The facts that its parts noted, the oldest first. */
  std::vector<Fact> facts;

  /** The value of the first fact with that part and key; empty if there is none. */
  [[nodiscard]] std::string_view fact(std::string_view part, std::string_view key) const;
};

/** The facts that JournalEntry has members for. */
std::vector<Fact> session_facts(const JournalEntry& entry);
Fact recovering_fact(pid_t pid);

/** The text of a new entry. Later facts are appended. */
std::string entry_text(const std::vector<Fact>& facts);
std::string facts_text(const std::vector<Fact>& facts);

/**
 * Reads an entry. Skips a last line without its end; empty if the new entry itself is not complete. EINVAL, with the
 * reason, for a text that is damaged or no entry of this version.
 */
Result<std::optional<JournalEntry>> read_entry(const std::string& path, std::string_view text);

/** The file of an entry in the state directory is named after the session's id, with this suffix. */
inline constexpr std::string_view kJournalSuffix = ".journal";
std::string journal_of(const std::string& state_directory, const std::string& id);
/** FreeBSD: the directory where the session's root is mounted. */
std::string root_of(const std::string& state_directory, const std::string& id);
/** FreeBSD: the folder of the file that the kernel writes the session's trace to. */
inline constexpr std::string_view kTraceSuffix = ".trace";
std::string trace_of(const std::string& state_directory, const std::string& id);

/**
 * A session's entry in the state directory. Its owner keeps it locked, by a descriptor that only its init shares and
 * that reads; so if the lock can be taken, the owner is dead. Nobody else opens it for writing. The destructor leaves
 * the entry to a recovery, unless `end` removed it.
 */
class Journal {
 public:
  explicit Journal(std::string file) : file_(std::move(file)) {}
  /** Of a dead session; `lock` is its lock. */
  Journal(std::string file, UniqueFd lock) : file_(std::move(file)), lock_(std::move(lock)), is_begun_(true) {}

  /** Makes an empty file. The state directory exists. */
  Status begin();
  [[nodiscard]] bool is_open() const noexcept { return static_cast<bool>(lock_); }
  /** The entry is locked while this descriptor or a copy of it is open. -1 before `begin`. */
  [[nodiscard]] int lock() const noexcept { return lock_.get(); }
  /** Adds facts by one write. The first call makes the file an entry. */
  Status note(const std::vector<Fact>& facts);
  /** Removes it. Called again it does nothing. */
  Status end();

 private:
  std::string file_;
  UniqueFd lock_;
  UniqueFd writing_;
  bool is_begun_ = false;
};

}  // namespace buildjail
