#include "state/hand_back_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "state/file_state.h"
#include "state/tree_walk.h"

namespace buildjail {

namespace {

constexpr mode_t kSetId = S_ISUID | S_ISGID;
constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;
/** The most names of files that a walk back knows at a time, and the bytes of their paths. */
constexpr std::size_t kMostNames = std::size_t{1} << 18U;
constexpr std::size_t kMostPaths = std::size_t{1} << 20U;

class HandingBack final : public TreeWalk {
 public:
  HandingBack(int top, const LentOutput& before, const Lending& lending)
      : TreeWalk(before.path, kHandBack), before_(before), lending_(lending), marks_(top, before.marks) {}

  /** The first of what is left, and how much that is. */
  std::vector<LeftInOutput> left;
  std::size_t changed = 0;

  Status hand_back(int top) {
    for (;;) {
      told_ = {left.size(), count_};
      auto status = run(top);
      tell_unclaimed();
      if (!status || !next_) {
        if (count_ > left.size())
          left.push_back({before_.path, "and " + std::to_string(count_ - left.size()) + " more"});
        return status;
      }
      first_ = *std::exchange(next_, std::nullopt);
    }
  }

 private:
  using Identity = std::pair<std::uint64_t, std::uint64_t>;
  /** The names of one file that the walk has found so far, by number. */
  struct Met {
    std::int64_t changed_ns = 0;
    std::set<std::uint64_t> names{};
    /** Empty where there was no room for it. */
    std::string path{};
    bool is_of_note = false;
  };

  Status begin() override {
    left.resize(told_.first);
    count_ = told_.second;
    met_.clear();
    met_names_ = 0;
    met_paths_ = 0;
    return {};
  }

  void tell(std::string path, std::string what) {
    if (++count_ <= kMostLeft) left.push_back({std::move(path), std::move(what)});
  }

  /** Reports files that changed while the folder was lent, and that have a name outside of it. */
  void tell_unclaimed() {
    for (auto& [file, met] : met_) {
      if (!met.is_of_note) continue;
      if (met.path.empty())
        ++count_;
      else
        tell(std::move(met.path), "its owner, as it has a name elsewhere");
    }
  }

  void forget(std::map<Identity, Met>::iterator met) {
    met_names_ -= met->second.names.size();
    met_paths_ -= met->second.path.size();
    met_.erase(met);
  }

  /**
   * Leaves files for another walk where there are more than there is room for: those of the higher numbers. The names
   * of one file stay together: few file systems let it have more.
   */
  void make_room() {
    if (met_names_ <= kMostNames || met_.size() == 1) return;
    const auto middle = std::next(met_.begin(), static_cast<std::ptrdiff_t>(met_.size() / 2));
    next_ = middle->first;
    while (met_.rbegin()->first >= *next_) forget(std::prev(met_.end()));
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
    const bool is_again = first_ != Identity();
    if (S_ISDIR(file.mode)) return !is_again;
    if (is_again && file.links <= 1) return false;
    auto is_still = still_has(file, name);
    if (!is_still || !*is_still || file.links <= 1) return is_still;
    const Identity number{file.dev, file.ino};
    if (number < first_ || (next_ && number >= *next_)) return false;
    const auto [at, is_new] = met_.try_emplace(number);
    Met& met = at->second;
    // defence: few-paths-of-names
    if (is_new && met_paths_ < kMostPaths) {
      met.path = path_of(name);
      met_paths_ += met.path.size();
    }
    if (met.changed_ns != file.changed_ns) {
      met_names_ -= met.names.size();
      met.names.clear();
      met.changed_ns = file.changed_ns;
    }
    met.is_of_note = file.uid != before_.uid || (file.mode & kSetId) != 0;
    if (met.names.insert(number_of(name)).second) ++met_names_;
    // defence: file-name-outside-output
    if (met.names.size() != file.links) {
      make_room();
      return false;
    }
    forget(at);
    return true;
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
    // If the folder around it has the policy too, that one is reported.
    if (S_ISDIR(file.mode) && file.is_encrypted && !folder().is_encrypted) tell(path_of(name), "encryption policy");
    return status;
  }

  /** Whether the kernel refuses for good, so that this is reported and the walk goes on. */
  bool is_told(std::string_view name, const char* what) {
    if (!is_refusal(errno)) return false;
    tell(path_of(name), what);
    return true;
  }

  const LentOutput& before_;
  const Lending& lending_;
  MarkTaker marks_;
  /** The files with names that are not found yet, by device and inode. */
  std::map<Identity, Met> met_;
  /** The names of all of them, and the bytes of their paths. */
  std::size_t met_names_ = 0;
  std::size_t met_paths_ = 0;
  /** The files of several names that this walk is for: the next one begins with `next_`. */
  Identity first_;
  std::optional<Identity> next_;
  /** How much is left. */
  std::size_t count_ = 0;
  /** What earlier walks have told, and found left. */
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
