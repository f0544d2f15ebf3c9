#include "state/hand_over.h"

#include <sys/stat.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "state/file_state.h"
#include "state/tree_walk.h"

namespace buildjail {

namespace {

constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;

/** Whether a file may be of use to others outside of the output. */
bool is_anybodys(const FileState& file) {
  return !S_ISDIR(file.mode) && (file.links > 1 || (file.mode & (S_ISUID | S_ISGID)) != 0);
}

class HandingOver final : public TreeWalk {
 public:
  HandingOver(const LentOutput& before, uid_t uid, gid_t gid)
      : TreeWalk(before.path, kHandBack), before_(before), uid_(uid), gid_(gid) {}

 private:
  [[nodiscard]] bool may_open_up(const FileState&) const override { return false; }
  [[nodiscard]] bool concerns(const FileState& file) const override {
    return file.uid == before_.uid && !is_anybodys(file);
  }

  // Nothing notes the group of each file, so a group that is not the folder's stays as it is.
  Result<bool> visit(int fd, FileState& file, std::string_view name) override {
    if (!set_owner(fd, uid_, file.gid == before_.gid ? gid_ : file.gid)) return failure(kOwnerCall, name);
    return true;
  }

  const LentOutput& before_;
  uid_t uid_;
  gid_t gid_;
};

/** Ends with EEXIST at the first such file. */
class Looking final : public TreeWalk {
 public:
  explicit Looking(const LentOutput& before) : TreeWalk(before.path, "hand-over"), before_(before) {}

 private:
  [[nodiscard]] bool may_open_up(const FileState&) const override { return false; }
  [[nodiscard]] bool concerns(const FileState& file) const override {
    const bool is_open = S_ISDIR(file.mode) && (file.mode & kOthersWrite) != 0;
    return file.uid != before_.uid || file.gid != before_.gid || is_open || is_anybodys(file);
  }
  Result<bool> visit(int, FileState&, std::string_view name) override {
    errno = EEXIST;
    return failure("fstatat", name);
  }

  const LentOutput& before_;
};

}  // namespace

Result<bool> holds_files_of_others(int top, const LentOutput& before) {
  if ((before.mode & kOthersWrite) != 0) return true;
  auto looked = Looking(before).run(top);
  if (looked) return false;
  if (looked.error().err == EEXIST) return true;
  return std::move(looked.error());
}

Status hand_over_tree(int top, const LentOutput& before, uid_t uid, gid_t gid) {
  return HandingOver(before, uid, gid).run(top);
}

}  // namespace buildjail
