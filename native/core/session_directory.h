#pragma once

#include <string>

#include "core/journal.h"
#include "core/result.h"

namespace buildjail {

/** The name of the directory in a session's folder where its root is mounted. */
inline constexpr const char* kRootDirectory = "root";

/**
 * A session's folder in the state directory, with its journal, and in it `root`, where its root is mounted. Only we can
 * reach it: a jail's root must not be reachable by other users of the host (jail(8), NOTES). Removed when it goes, if
 * it is empty as it must be; if it is not, the journal stays as well.
 */
class SessionDirectory {
 public:
  /** `state_directory` exists. */
  static Result<SessionDirectory> make(const std::string& state_directory, const JournalEntry& entry);
  SessionDirectory(SessionDirectory&& other) noexcept = default;
  SessionDirectory& operator=(SessionDirectory&& other) = delete;
  SessionDirectory(const SessionDirectory&) = delete;
  SessionDirectory& operator=(const SessionDirectory&) = delete;
  ~SessionDirectory();

  [[nodiscard]] const std::string& root() const noexcept { return root_; }
  Journal& journal() noexcept { return journal_; }
  /** Directories only, which must be empty: never a tree. */
  Status remove();

 private:
  explicit SessionDirectory(Journal journal)
      : journal_(std::move(journal)), root_(journal_.folder() + "/" + kRootDirectory) {}

  Journal journal_;
  std::string root_;
};

}  // namespace buildjail
