#include "state/hand_over.h"

#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "state/file_state.h"
#include "state/name_walk.h"

namespace buildjail {

namespace {

constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;

bool has_several_names(const FileState& file) { return !S_ISDIR(file.mode) && file.links > 1; }
bool has_set_id(const FileState& file) { return !S_ISDIR(file.mode) && (file.mode & (S_ISUID | S_ISGID)) != 0; }

class HandingOver final : public NameWalk {
 public:
  HandingOver(const LentOutput& before, uid_t uid, gid_t gid)
      : NameWalk(before.path, kHandBack), before_(before), uid_(uid), gid_(gid) {}

 private:
  [[nodiscard]] bool may_open_up(const FileState&) const override { return false; }
  [[nodiscard]] bool concerns(const FileState& file) const override {
    return file.uid == before_.uid && !has_set_id(file);
  }
  /** The file stays as it is. */
  void miss_names(std::string, bool) override {}

  // The group of each file is noted nowhere, so a group that is not the folder's stays.
  Result<bool> visit(int fd, FileState& file, std::string_view name) override {
    if (has_several_names(file)) {
      const auto names = look_for_names(file, name, false);
      if (!names) return names.error();
      if (*names != Names::kAll) return true;
    }
    if (!set_owner(fd, uid_, file.gid == before_.gid ? gid_ : file.gid)) return failure(kOwnerCall, name);
    return true;
  }

  const LentOutput& before_;
  uid_t uid_;
  gid_t gid_;
};

/** Ends with EEXIST at the first such file. Files with a name elsewhere are known only at the end. */
class Looking final : public NameWalk {
 public:
  explicit Looking(const LentOutput& before) : NameWalk(before.path, "hand-over"), before_(before) {}

  bool has_name_elsewhere = false;

 private:
  [[nodiscard]] bool may_open_up(const FileState&) const override { return false; }
  [[nodiscard]] bool is_of_others(const FileState& file) const {
    const bool is_open = S_ISDIR(file.mode) && (file.mode & kOthersWrite) != 0;
    return file.uid != before_.uid || file.gid != before_.gid || is_open || has_set_id(file);
  }
  [[nodiscard]] bool concerns(const FileState& file) const override {
    return is_of_others(file) || has_several_names(file);
  }
  void miss_names(std::string, bool) override { has_name_elsewhere = true; }
  Result<bool> visit(int, FileState& file, std::string_view name) override {
    if (!is_of_others(file)) {
      if (!has_several_names(file)) return true;
      const auto names = look_for_names(file, name, false);
      if (!names) return names.error();
      if (*names != Names::kMoved) return true;
    }
    errno = EEXIST;
    return failure("fstatat", name);
  }

  const LentOutput& before_;
};

}  // namespace

Result<bool> holds_files_of_others(int top, const LentOutput& before) {
  if ((before.mode & kOthersWrite) != 0) return true;
  Looking walk(before);
  auto looked = walk.run_whole(top);
  if (looked) return walk.has_name_elsewhere;
  if (looked.error().err == EEXIST) return true;
  return std::move(looked.error());
}

Status hand_over_tree(int top, const LentOutput& before, uid_t uid, gid_t gid) {
  return HandingOver(before, uid, gid).run_whole(top);
}

}  // namespace buildjail
