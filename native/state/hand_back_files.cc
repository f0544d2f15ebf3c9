#include "state/hand_back_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "state/file_state.h"
#include "state/name_walk.h"

namespace buildjail {

namespace {

constexpr mode_t kSetId = S_ISUID | S_ISGID;
constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;
/**
 * A folder that others can write to is held by these bits until the last file is back: another user who stands in the
 * output can then move nothing out of it (sticky(7)). No folder comes back with the first of them, so that one says
 * that the second is ours.
 */
constexpr mode_t kHeld = S_ISUID | S_ISVTX;

bool is_held(const FileState& file) { return S_ISDIR(file.mode) && (file.mode & kHeld) == kHeld; }

class HandingBack final : public NameWalk {
 public:
  HandingBack(int top, const LentOutput& before, const Lending& lending)
      : NameWalk(before.path, kHandBack), before_(before), lending_(lending), marks_(top, before.marks) {}

  /** The first of the marks that are left, and their number. */
  std::vector<LeftInOutput> left;
  std::size_t changed = 0;
  /** Folders are held, perhaps since an earlier walk. */
  bool has_held = false;

  Status hand_back(int top) {
    auto status = run_whole(top);
    if (count_ > left.size()) left.push_back({before_.path, "and " + std::to_string(count_ - left.size()) + " more"});
    return status;
  }

 private:
  void begin_round() override { told_ = {left.size(), count_}; }

  Status begin() override {
    left.resize(told_.first);
    count_ = told_.second;
    return NameWalk::begin();
  }

  void tell(std::string path, std::string what) {
    if (++count_ <= kMostLeft) left.push_back({std::move(path), std::move(what)});
  }

  /** Such a file changed while the folder was lent. */
  void miss_names(std::string path, bool is_of_note) override {
    if (!is_of_note) return;
    if (path.empty())
      ++count_;
    else
      tell(std::move(path), "its owner, as it has a name elsewhere");
  }

  [[nodiscard]] bool may_open_up(const FileState& folder) const override { return lending_.ids.contains(folder.uid); }
  [[nodiscard]] bool concerns(const FileState& file) const override {
    return lending_.ids.contains(file.uid) || (is_held(file) && file.changed_ns >= before_.since_ns);
  }

  // If no other user has the build's ids, the build made a file with such an id, or was handed it. Otherwise the time
  // of the last change of the inode decides, because no process can set it; on FreeBSD the owner of a file can set its
  // birth time (utimensat(2)). A link to a foreign file changes the inode of that too, but such a file has a name
  // outside of the tree, where no build makes a file. To have a name counted twice, or to have a removed name taken for
  // the only one, a process must move the file or its folder: that changes the inode, or the walk finds the same name
  // again.
  Result<bool> is_claimed(const FileState& file, std::string_view name) {
    if (!lending_.ids.are_shared) return true;
    // defence: files-others-build-did
    if (file.changed_ns < before_.since_ns) return false;
    if (S_ISDIR(file.mode)) return !is_again();
    if (file.links <= 1) return is_again() ? Result<bool>(false) : still_has(file, name);
    const auto names = look_for_names(file, name, file.uid != before_.uid || (file.mode & kSetId) != 0);
    if (!names) return names.error();
    return *names == Names::kAll;
  }

  Result<bool> visit(int fd, FileState& file, std::string_view name) override {
    const bool was_held = is_held(file) && file.uid == before_.uid && file.changed_ns >= before_.since_ns;
    has_held = has_held || was_held;
    if (!lending_.ids.contains(file.uid)) return true;
    const auto is_of_build = is_claimed(file, name);
    if (!is_of_build) return is_of_build.error();
    if (!*is_of_build) return true;
    const mode_t mode = file.mode;
    // defence: marks-build-put-files
    if (lending_.takes_marks) {
      if (auto status = take_marks(fd, file, name); !status) return std::move(status.error());
    }
    const bool is_of_group = lending_.ids.contains_group(file.gid);
    const gid_t group = is_of_group ? before_.gid : file.gid;
    const bool is_other = file.uid != before_.uid || file.gid != group;
    // defence: build-made-comes-back
    const bool is_given = lending_.gives_owner && is_other;
    // Before the owner, because a build wrote the file and it must not be set-uid of the owner for a moment. Later
    // builds may read the files of a store and not change them.
    // A user may set the bit for a group of its own only (chmod(2)). So a folder of another group had it before.
    const bool had_bit = !is_of_group && !lending_.ids.are_shared;
    const mode_t group_bit = had_bit ? S_ISGID : before_.mode & S_ISGID;
    const mode_t kept = S_ISDIR(file.mode) ? group_bit | (was_held ? S_ISUID : 0) : 0;
    // A link can have set-id bits on FreeBSD (lchmod(2)). On Linux it has one mode for good (symlink(7)).
    const bool is_shut = is_given && lending_.is_store && !S_ISLNK(file.mode);
    // defence: build-leaves-store-others
    // defence: set-id-bits-build
    // defence: set-id-bits-link
    const mode_t taken = (kSetId & ~kept) | (is_shut ? kOthersWrite : 0);
    // defence: folder-held-until-all-back
    const bool is_to_hold =
        S_ISDIR(file.mode) && (file.mode & ~taken & kOthersWrite) != 0 && (file.mode & S_ISVTX) == 0;
    has_held = has_held || is_to_hold;
    if ((file.mode & taken) != 0 || is_to_hold) {
      file.mode = (file.mode & ~taken) | (is_to_hold ? kHeld : mode_t{0});
      if (!set_mode(fd, file.mode & ~S_IFMT) && !is_told(name, "its mode")) return failure(kModeCall, name);
    }
    if (is_given && !set_owner(fd, before_.uid, group) && !is_told(name, "its owner")) return failure(kOwnerCall, name);
    if (is_given || file.mode != mode) ++changed;
    return true;
  }

  Status take_marks(int fd, FileState& file, std::string_view name) {
    std::vector<std::string> stays;
    auto status = marks_.take(fd, file, stays);
    if (!status) status.error().path = path_of(name);
    for (std::string& what : stays) tell(path_of(name), std::move(what));
    // If the folder around it has the policy too, only that folder is reported.
    if (S_ISDIR(file.mode) && file.is_encrypted && !folder().is_encrypted) tell(path_of(name), "encryption policy");
    return status;
  }

  /** Whether the kernel refuses for good. That is reported, and the walk goes on. */
  bool is_told(std::string_view name, const char* what) {
    if (!is_refusal(errno)) return false;
    tell(path_of(name), what);
    return true;
  }

  const LentOutput& before_;
  const Lending& lending_;
  MarkTaker marks_;
  /** The number of marks that are left. */
  std::size_t count_ = 0;
  /** The reports and the marks left by earlier rounds. */
  std::pair<std::size_t, std::size_t> told_;
};

class LettingGo final : public TreeWalk {
 public:
  explicit LettingGo(const LentOutput& before) : TreeWalk(before.path, kHandBack), before_(before) {}

 private:
  [[nodiscard]] bool may_open_up(const FileState& folder) const override { return folder.uid == before_.uid; }
  [[nodiscard]] bool concerns(const FileState& file) const override {
    return is_held(file) && file.changed_ns >= before_.since_ns;
  }
  Result<bool> visit(int fd, FileState& file, std::string_view name) override {
    file.mode &= ~kHeld;
    return set_mode(fd, file.mode & ~S_IFMT) || is_refusal(errno) ? Result<bool>(true) : failure(kModeCall, name);
  }

  const LentOutput& before_;
};

}  // namespace

Status hand_back_files(int top, const NotedOutput& noted, HandedBack& handed) {
  HandingBack walk(top, noted.before, noted.lending);
  auto status = walk.hand_back(top);
  std::ranges::move(walk.left, std::back_inserter(handed.left));
  handed.changed += walk.changed;
  handed.has_held = handed.has_held || walk.has_held;
  return status;
}

Status let_folders_go(int top, const LentOutput& before) { return LettingGo(before).run(top); }

}  // namespace buildjail
