#pragma once

#include <string>

#include "core/journal_entry.h"
#include "core/result.h"
#include "core/unique_fd.h"

namespace buildjail {

/** The name of an entry's file in its session's folder. */
inline constexpr const char* kJournalFile = "journal";
inline std::string journal_in(const std::string& folder) { return folder + "/" + kJournalFile; }

/**
 * A session's folder in the state directory, and its entry there. The entry is locked while its owner lives, by a
 * descriptor that no other program gets: a lock that can be taken says that the owner is dead. When this goes the entry
 * stays, and is somebody else's to act upon, unless `end` came before.
 */
class Journal {
 public:
  /** `state_directory` exists. */
  static Result<Journal> begin(const std::string& state_directory, const JournalEntry& entry);

  [[nodiscard]] const std::string& folder() const noexcept { return folder_; }
  /** Before the output is handed over. */
  Status lend(const LentOutput& output);
  /** Nothing is left that it could tell of, and nothing else in its folder. Again: nothing to do. */
  Status end();

 private:
  Journal(std::string folder, UniqueFd lock) : folder_(std::move(folder)), lock_(std::move(lock)) {}

  std::string folder_;
  UniqueFd lock_;
};

}  // namespace buildjail
