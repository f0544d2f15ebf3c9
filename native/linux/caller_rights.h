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
  /** Of the thread, and of the process that started that. */
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

  /** The rights that it has over that file: a capability is as good as to be the owner, or of the group. */
  [[nodiscard]] FileRights over(const FileState& file) const;
};

/** Of a thread, by its entry in /proc. Empty if that cannot be read. */
std::optional<CallerRights> rights_of(pid_t thread);

/**
 * The rights of this thread alone, which takes those of callers, so that the kernel checks each access as theirs. From
 * here on it has no capability over files but to search folders, and even that only while it is itself.
 */
class BorrowedRights {
 public:
  BorrowedRights();

  /** False if this thread may not become that user. A thread of an ordinary user can be that user alone. */
  bool take(const FileRights& rights);
  /** This thread is itself again. */
  void give_back();

 private:
  bool is_bounded_ = false;
  FileRights own_;
  FileRights now_;
};

}  // namespace buildjail
