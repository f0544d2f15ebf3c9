#include "state/lent_tree.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "state/file_marks.h"
#include "state/file_state.h"
#include "state/tree_walk.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "hand-back";
constexpr mode_t kSetId = S_ISUID | S_ISGID;
constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;

bool is_refusal(int err) { return err == EPERM || err == EACCES || err == EROFS || err == EOPNOTSUPP; }

class HandingOver final : public TreeWalk {
 public:
  HandingOver(const LentOutput& before, uid_t uid, gid_t gid)
      : TreeWalk(before.path, kStep), before_(before), uid_(uid), gid_(gid) {}

 private:
  void begin() override {}
  [[nodiscard]] bool may_open_up(const FileState&) const override { return false; }
  [[nodiscard]] bool concerns(const FileState& file) const override {
    const bool is_anybodys = !S_ISDIR(file.mode) && (file.links > 1 || (file.mode & kSetId) != 0);
    return file.uid == before_.uid && !is_anybodys;
  }

  Status visit(int fd, FileState&, std::string_view name) override {
    return set_owner(fd, uid_, gid_) ? Status() : Status(failure(kOwnerCall, name));
  }

  const LentOutput& before_;
  uid_t uid_;
  gid_t gid_;
};

class HandingBack final : public TreeWalk {
 public:
  HandingBack(int top, const LentOutput& before, const Lending& lending)
      : TreeWalk(before.path, kStep), before_(before), lending_(lending), marks_(top, before.marks) {}

  std::vector<LeftInOutput> left;
  std::size_t changed = 0;

  /** Files that changed while the folder was lent, and that have a name that was not met. */
  void tell_unclaimed() {
    for (auto& [file, met] : met_) {
      if (met.is_of_note) left.push_back({std::move(met.path), "its owner, as it has a name elsewhere"});
    }
  }

 private:
  /** What was met of a file that has several names. */
  struct Met {
    std::int64_t changed_ns = 0;
    /** Each with the number of its folder. */
    std::set<std::pair<std::uint64_t, std::string>> names{};
    std::string path{};
    bool is_of_note = false;
  };

  void begin() override {
    left.clear();
    met_.clear();
  }

  [[nodiscard]] bool may_open_up(const FileState& folder) const override { return lending_.ids.contains(folder.uid); }
  [[nodiscard]] bool concerns(const FileState& file) const override { return lending_.ids.contains(file.uid); }

  // What the build owns it made or was handed, where its numbers are nobody else's. Where they are, a change of the
  // inode tells, whose time no process can set: on FreeBSD the owner of a file can put back its birth time
  // (utimensat(2)). A link to a foreign file is a change of that too. Such a file has a name outside of the tree,
  // however new it is, and no build makes one of its files there. Who moves a file, or a folder of it, to have a name
  // counted twice, or to have one that is gone taken for the only one, changes its inode or is met with the same name
  // again.
  Result<bool> is_claimed(const FileState& file, std::string_view name) {
    if (!lending_.ids.are_shared) return true;
    // defence: files-others-build-did
    if (file.changed_ns < before_.since_ns) return false;
    if (S_ISDIR(file.mode)) return true;
    auto is_still = still_has(file, name);
    if (!is_still || !*is_still || file.links <= 1) return is_still;
    const std::pair number{file.dev, file.ino};
    Met& met = met_[number];
    if (met.changed_ns != file.changed_ns) met = {.changed_ns = file.changed_ns, .path = path_of(name)};
    met.is_of_note = file.uid != before_.uid || (file.mode & kSetId) != 0;
    met.names.emplace(folder().ino, name);
    // defence: file-name-outside-output
    if (met.names.size() != file.links) return false;
    met_.erase(number);
    return true;
  }

  Status visit(int fd, FileState& file, std::string_view name) override {
    const auto is_of_build = is_claimed(file, name);
    if (!is_of_build) return is_of_build.error();
    if (!*is_of_build) return {};
    const mode_t mode = file.mode;
    // defence: marks-build-put-files
    if (lending_.takes_marks) {
      if (auto status = take_marks(fd, file, name); !status) return status;
    }
    const bool is_other = file.uid != before_.uid || file.gid != before_.gid;
    // defence: build-made-comes-back
    const bool is_given = lending_.gives_owner && is_other;
    // Before the owner: a set-uid file of the owner's would be one that a build wrote. What is in a store is for later
    // builds to read and not to change.
    const mode_t kept = S_ISDIR(file.mode) ? before_.mode & S_ISGID : 0;
    // defence: build-leaves-store-others
    // defence: set-id-bits-build
    const mode_t taken = (kSetId & ~kept) | (is_given && lending_.is_store ? kOthersWrite : 0);
    if (!S_ISLNK(file.mode) && (file.mode & taken) != 0) {
      file.mode &= ~taken;
      if (!set_mode(fd, file.mode & ~S_IFMT) && !is_told(name, "its mode")) return failure(kModeCall, name);
    }
    if (is_given && !set_owner(fd, before_.uid, before_.gid) && !is_told(name, "its owner"))
      return failure(kOwnerCall, name);
    if (is_given || file.mode != mode) ++changed;
    return {};
  }

  Status take_marks(int fd, FileState& file, std::string_view name) {
    std::vector<std::string> stays;
    auto status = marks_.take(fd, file, stays);
    if (!status) status.error().path = path_of(name);
    for (std::string& what : stays) left.push_back({path_of(name), std::move(what)});
    // Where the folder around it has the policy too, it is told of there.
    if (S_ISDIR(file.mode) && file.is_encrypted && !folder().is_encrypted)
      left.push_back({path_of(name), "encryption policy"});
    return status;
  }

  /** Whether the kernel refused for good, so that it is told of and the walk goes on. */
  bool is_told(std::string_view name, const char* what) {
    if (!is_refusal(errno)) return false;
    left.push_back({path_of(name), what});
    return true;
  }

  const LentOutput& before_;
  const Lending& lending_;
  MarkTaker marks_;
  /** By device and number: those of which not all names were met. */
  std::map<std::pair<std::uint64_t, std::uint64_t>, Met> met_;
};

}  // namespace

Status hand_over_tree(int top, const LentOutput& before, uid_t uid, gid_t gid) {
  return HandingOver(before, uid, gid).run(top);
}

Status hand_back_tree(int top, const LentOutput& before, const Lending& lending, std::vector<LeftInOutput>& left,
                      std::size_t& changed) {
  if (!lending.gives_owner && !lending.takes_marks) return {};
  HandingBack walk(top, before, lending);
  auto status = walk.run(top);
  walk.tell_unclaimed();
  std::ranges::move(walk.left, std::back_inserter(left));
  changed += walk.changed;
  return status;
}

}  // namespace buildjail
