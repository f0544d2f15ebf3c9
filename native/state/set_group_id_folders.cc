#include "state/set_group_id_folders.h"

#include <sys/stat.h>

#include <string_view>

#include "state/tree_walk.h"

namespace buildjail {

namespace {

/** The most older folders that are known by number. */
constexpr std::size_t kMostOlder = 4096;

class TakingSetGroupId final : public TreeWalk {
 public:
  TakingSetGroupId(const LentOutput& before, const Lending& lending, const SetGroupIdFolders& folders,
                   std::vector<LeftInOutput>& left)
      : TreeWalk(before.path, kHandBack), before_(before), lending_(lending), folders_(folders), left_(left) {}

  std::size_t changed = 0;

 private:
  [[nodiscard]] bool may_open_up(const FileState& folder) const override {
    return lending_.ids.contains(folder.uid) || folder.uid == before_.uid;
  }
  [[nodiscard]] bool concerns(const FileState& file) const override {
    return S_ISDIR(file.mode) && (file.mode & S_ISGID) != 0 && folders_.has(file, before_);
  }
  Result<bool> visit(int fd, FileState& file, std::string_view name) override {
    const mode_t mode = file.mode & ~mode_t{S_ISGID};
    if (set_mode(fd, mode & ~mode_t{S_IFMT})) {
      file.mode = mode;
      ++changed;
    } else if (!is_refusal(errno)) {
      return failure(kModeCall, name);
    } else if (left_.size() < kMostLeft) {
      left_.push_back({path_of(name), "its mode"});
    }
    return true;
  }

  const LentOutput& before_;
  const Lending& lending_;
  const SetGroupIdFolders& folders_;
  std::vector<LeftInOutput>& left_;
};

}  // namespace

void SetGroupIdFolders::add(const FileState& folder, bool is_in_memory) {
  if (is_in_memory)
    devices_in_memory_.insert(folder.dev);
  else
    has_others_ = true;
  // Newer folders are recognised by their birth.
  if ((folder.mode & S_ISGID) != 0 || folder.born_ns >= since_ns_) return;
  if (older_.size() < kMostOlder)
    older_.emplace(folder.dev, folder.ino);
  else
    has_more_ = true;
}

// A folder may lie on another device than its output: a subvolume of btrfs in it has its own.
bool SetGroupIdFolders::may_be_in(const LentOutput& output) const {
  // Files made in it get the bit from it, and keep it in every output.
  if ((output.mode & S_ISGID) != 0) return false;
  return has_others_ || devices_in_memory_.contains(output.dev);
}

bool SetGroupIdFolders::has(const FileState& folder, const LentOutput& output) const {
  if (folder.changed_ns < output.since_ns) return false;
  if (has_more_ || folder.born_ns == 0 || folder.born_ns >= output.since_ns) return true;
  return older_.contains({folder.dev, folder.ino});
}

Status take_set_group_id(int top, const NotedOutput& noted, const SetGroupIdFolders& folders,
                         std::vector<LeftInOutput>& left, std::size_t& changed) {
  TakingSetGroupId walk(noted.before, noted.lending, folders, left);
  auto status = walk.run(top);
  changed += walk.changed;
  return status;
}

}  // namespace buildjail
