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
class HandingBack final : public NameWalk {
 public:
  HandingBack(int top, const LentOutput& before, const Lending& lending)
      : NameWalk(before.path, kHandBack), before_(before), lending_(lending), marks_(top, before.marks) {}

  /** The first of the marks that are left, and their number. */
  std::vector<LeftInOutput> left;
  std::size_t changed = 0;

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
  [[nodiscard]] bool concerns(const FileState& file) const override { return lending_.ids.contains(file.uid); }

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
    const mode_t kept = S_ISDIR(file.mode) ? (had_bit ? S_ISGID : before_.mode & S_ISGID) : 0;
    // A link can have set-id bits on FreeBSD (lchmod(2)). On Linux it has one mode for good (symlink(7)).
    const bool is_shut = is_given && lending_.is_store && !S_ISLNK(file.mode);
    // defence: build-leaves-store-others
    // defence: set-id-bits-build
    // defence: set-id-bits-link
    const mode_t taken = (kSetId & ~kept) | (is_shut ? kOthersWrite : 0);
    if ((file.mode & taken) != 0) {
      file.mode &= ~taken;
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

}  // namespace

Status hand_back_files(int top, const NotedOutput& noted, std::vector<LeftInOutput>& left, std::size_t& changed) {
  HandingBack walk(top, noted.before, noted.lending);
  auto status = walk.hand_back(top);
  std::ranges::move(walk.left, std::back_inserter(left));
  changed += walk.changed;
  return status;
}

}  // namespace buildjail
