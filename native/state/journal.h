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

/** A line of a journal: the part that it tells of, which fact of that, and its value. The first two have no space. */
struct Fact {
  std::string part;
  std::string key;
  std::string value;
};

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
  /** Where its leases are (private_directories.h). A recovery may be done where another place would be found. */
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

/** The name of an entry's file in the state directory is the session's id with this at its end. */
inline constexpr const char* kJournalSuffix = ".journal";
std::string journal_of(const std::string& state_directory, const std::string& id);
/** Where the session's root is mounted, on systems that mount it in the host's sight. */
std::string root_of(const std::string& state_directory, const std::string& id);

/**
 * A session's entry in the state directory. It is locked while its owner lives, by a descriptor that no other program
 * gets: a lock that can be taken says that the owner is dead. When this goes the entry stays for a recovery, unless
 * `end` came before.
 */
class Journal {
 public:
  explicit Journal(std::string file) : file_(std::move(file)) {}
  /** Of a dead session; `lock` is its lock. */
  Journal(std::string file, UniqueFd lock) : file_(std::move(file)), lock_(std::move(lock)), is_begun_(true) {}

  /** Makes it, with nothing in it yet. The state directory exists. */
  Status begin();
  [[nodiscard]] bool is_open() const noexcept { return static_cast<bool>(lock_); }
  /** As long as a copy of it is open somewhere the entry is locked; -1 where it is not begun. */
  [[nodiscard]] int lock() const noexcept { return lock_.get(); }
  /** By one write. The first call makes it an entry. */
  Status note(const std::vector<Fact>& facts);
  /** Removes it. Called again it does nothing. */
  Status end();

 private:
  std::string file_;
  UniqueFd lock_;
  bool is_begun_ = false;
};

}  // namespace buildjail
