#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "envelope/record.h"
#include "state/file_state.h"

namespace buildjail {

/** What a thread may do to files (credentials(7)), by the ids of this process's user namespace. */
struct FileRights {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;

  bool operator==(const FileRights&) const = default;
};

/** The rights of the caller of a system call. */
struct CallerRights {
  /** The process of the thread, and the parent of that. */
  pid_t process = 0;
  pid_t parent = 0;
  FileRights rights{};
  /** CAP_FOWNER and CAP_FSETID, over files whose ids are mapped in its user namespace (capabilities(7)). */
  bool owns_all = false;
  bool is_of_all_groups = false;
  /** It can take other ids without executing another program (setresuid(2)). */
  bool may_change = false;
  std::vector<IdExtent> uids{};
  std::vector<IdExtent> gids{};

  /** The caller's rights over that file. A capability over it counts as being its owner, or in its group. */
  [[nodiscard]] FileRights over(const FileState& file) const;
};

/** Of a thread, by its entry in /proc. Empty if that cannot be read. */
std::optional<CallerRights> rights_of(pid_t thread);

/**
 * Lets this thread take the rights of callers, so that the kernel checks each access as theirs. The thread keeps no
 * capability over files but the one to search folders, and has that only with its own ids.
 */
class BorrowedRights {
 public:
  BorrowedRights();

  /** False if this thread may not become that user. A thread of an ordinary user can be that user alone. */
  bool take(const FileRights& rights);
  /** Gives this thread its own rights back. */
  void give_back();

 private:
  bool is_bounded_ = false;
  FileRights own_;
  FileRights now_;
};

}  // namespace buildjail
