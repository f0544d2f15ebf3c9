#pragma once

#include <string>

#include "state/journal.h"
#include "base/result.h"

namespace buildjail {

/**
 * The directory where a session's root is mounted, beside its entry in the journal. Only we can reach it, as the state
 * directory is ours: a jail's root must not be reachable by other users of the host (jail(8), NOTES). Removed when it
 * goes, if it is empty as it must be; if it is not, the entry stays as well.
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
  /** A directory only, which must be empty: never a tree. */
  Status remove();
  /** Leaves it there, and its entry in the journal, for a recovery: when this goes, it removes nothing. */
  void keep() noexcept { root_.clear(); }

 private:
  SessionDirectory(Journal journal, std::string root) : journal_(std::move(journal)), root_(std::move(root)) {}

  Journal journal_;
  std::string root_;
};

}  // namespace buildjail
