#include "state/lent_tree.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <iterator>
#include <map>
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

enum class Claim : std::uint8_t {
  /** Somebody else's. */
  kNone,
  /** It may have been there before, but the build put marks on it, if anybody did. */
  kMarks,
  kAll,
};

class HandingBack final : public TreeWalk {
 public:
  HandingBack(int top, const LentOutput& before, const Lending& lending)
      : TreeWalk(before.path, kStep), before_(before), lending_(lending), marks_(top, before.marks) {}

  std::vector<LeftInOutput> left;
  std::size_t changed = 0;

 private:
  void begin() override {
    left.clear();
    names_seen_.clear();
  }

  [[nodiscard]] bool may_open_up(const FileState& folder) const override { return lending_.ids.contains(folder.uid); }
  [[nodiscard]] bool concerns(const FileState& file) const override { return lending_.ids.contains(file.uid); }

  // What the build owns it made or was handed, where its numbers are nobody else's. Where they are, a change of the
  // inode tells, whose time no process can set. A link to a foreign file is a change of that too: such a file has more
  // names than are in the tree, and was made before.
  Claim claim_on(const FileState& file) {
    if (!lending_.ids.are_shared) return Claim::kAll;
    if (file.changed_ns < before_.since_ns) return Claim::kNone;
    const bool is_new = file.born_ns && *file.born_ns >= before_.since_ns;
    if (is_new || file.links <= 1 || S_ISDIR(file.mode)) return Claim::kAll;
    return ++names_seen_[{file.dev, file.ino}] == file.links ? Claim::kMarks : Claim::kNone;
  }

  Status visit(int fd, FileState& file, std::string_view name) override {
    const Claim claim = claim_on(file);
    if (claim == Claim::kNone) return {};
    const mode_t mode = file.mode;
    if (lending_.takes_marks) {
      if (auto status = take_marks(fd, file, name); !status) return status;
    }
    const bool is_other = file.uid != before_.uid || file.gid != before_.gid;
    const bool is_given = claim == Claim::kAll && lending_.gives_owner && is_other;
    // Before the owner: a set-uid file of the owner's would be one that a build wrote. What is in a store is for later
    // builds to read and not to change.
    const mode_t kept = S_ISDIR(file.mode) ? before_.mode & S_ISGID : 0;
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
  /** Of files with several names: how many of them were met. */
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> names_seen_;
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
  std::ranges::move(walk.left, std::back_inserter(left));
  changed += walk.changed;
  return status;
}

}  // namespace buildjail
