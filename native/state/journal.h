#pragma once

#include <string>

#include "state/journal_entry.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace buildjail {

/** What the name of an entry's file in the state directory ends with; it begins with the session's id. */
inline constexpr const char* kJournalSuffix = ".journal";
std::string journal_of(const std::string& state_directory, const std::string& id);
/** Where the session's root is mounted, on systems that mount it in the host's sight. */
std::string root_of(const std::string& state_directory, const std::string& id);

/**
 * A session's entry in the state directory. It is locked while its owner lives, by a descriptor that no other program
 * gets: a lock that can be taken says that the owner is dead. When this goes the entry stays, and is somebody else's to
 * act upon, unless `end` came before.
 */
class Journal {
 public:
  /** `state_directory` exists. */
  static Result<Journal> begin(const std::string& state_directory, const JournalEntry& entry);

  /** Before the output is handed over. */
  Status lend(const LentOutput& output);
  /** Nothing is left that it could tell of. Again: nothing to do. */
  Status end();

 private:
  Journal(std::string file, UniqueFd lock) : file_(std::move(file)), lock_(std::move(lock)) {}

  std::string file_;
  UniqueFd lock_;
};

}  // namespace buildjail
