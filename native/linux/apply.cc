#include "linux/apply.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/unique_fd.h"
#include "envelope/tree_copy.h"
#include "state/file_state.h"
#include "state/tree_walk.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "apply";
/** A build may have made any number of sockets and fifos. */
constexpr std::size_t kMostLeft = 100;
/** Folders, one in the other. Each is held open on both sides. */
constexpr std::size_t kDeepest = 200;
constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr const char* kStaged = "new";

/** What marks a removed file in an upper layer (overlayfs.rst, "whiteouts and opaque directories"). */
bool is_whiteout(int fd, const FileState& file) {
  struct stat found{};
  return S_ISCHR(file.mode) && ::fstat(fd, &found) == 0 && found.st_rdev == ::makedev(0, 0);
}

/** Of a folder in an upper layer: nothing of the lower one is seen in it. */
bool is_opaque(int fd) {
  std::array<char, 2> value{};
  const DescriptorPath path(fd);
  return std::ranges::any_of(std::array{"trusted.overlay.opaque", "user.overlay.opaque"}, [&](const char* name) {
    return ::getxattr(path.get(), name, value.data(), value.size()) == 1 && value[0] == 'y';
  });
}

/** Copies what was written to a place beside the source, in the same file system: then nothing of it is half there. */
class Staging final : public TreeCopy {
 public:
  Staging(int to, Owner owner, std::vector<std::string>& left) : TreeCopy(kStep, to), owner_(owner), left_(left) {}

 private:
  [[nodiscard]] Owner owner_of(const FileState&) const override { return owner_; }
  [[nodiscard]] bool has_times() const override { return true; }
  Result<bool> wants(const std::string& path, const FileState& file) override {
    // A whiteout is one of these as well.
    if (S_ISCHR(file.mode)) return false;
    if (static_cast<std::size_t>(std::ranges::count(path, '/')) < kDeepest) return true;
    leave(path);
    return false;
  }
  Status leave_out(std::string path, SysError why) override {
    if (why.err != EOPNOTSUPP && why.err != EACCES) return why;
    leave(std::move(path));
    return {};
  }
  void leave(std::string path) {
    if (left_.size() < kMostLeft) left_.push_back(std::move(path));
  }

  Owner owner_;
  std::vector<std::string>& left_;
};

/** Goes through an upper layer, the staged copy of it and the source at once. */
class Merging final : public TreeWalk {
 public:
  Merging(int staged, int source, int aside, AppliedChanges& changes)
      : TreeWalk({}, kStep), staged_top_(staged), source_top_(source), aside_(aside), changes_(changes) {}

 private:
  [[nodiscard]] bool may_open_up(const FileState& folder) const override { return folder.uid == ::geteuid(); }

  Status begin() override {
    staged_.clear();
    source_.clear();
    staged_.emplace_back(::openat(staged_top_, ".", kDirectory));
    source_.emplace_back(::openat(source_top_, ".", kDirectory));
    return staged_.back() && source_.back() ? Status() : Status(last_error(kStep, "openat"));
  }

  Result<bool> visit(int fd, FileState& file, std::string_view name) override {
    const std::string text(name);
    if (is_whiteout(fd, file)) {
      auto is_gone = move_aside(text);
      if (!is_gone) return std::move(is_gone.error());
      changes_.removed += *is_gone ? 1 : 0;
      return true;
    }
    if (S_ISDIR(file.mode)) return enter(fd, file, text);
    auto status = put(text);
    return status ? Result<bool>(true) : Result<bool>(std::move(status.error()));
  }

  Status finish(mode_t) override {
    staged_.pop_back();
    source_.pop_back();
    return {};
  }

  [[nodiscard]] std::optional<FileState> found(const std::string& name) const {
    return state_in(source_.back().get(), name.c_str());
  }

  /** False where there is none. */
  Result<bool> move_aside(const std::string& name) {
    const std::string number = std::to_string(++moved_);
    if (::renameat(source_.back().get(), name.c_str(), aside_, number.c_str()) == 0) return true;
    return errno == ENOENT ? Result<bool>(false) : failure("renameat", name);
  }

  Result<bool> enter(int fd, const FileState& file, const std::string& name) {
    UniqueFd staged(::openat(staged_.back().get(), name.c_str(), kDirectory));
    // It was left out.
    if (!staged) return errno == ENOENT ? Result<bool>(false) : failure("openat", name);
    const auto before = found(name);
    const bool is_kept = before && S_ISDIR(before->mode) && !is_opaque(fd);
    if (!is_kept) {
      if (auto moved = move_aside(name); !moved) return moved;
      if (::mkdirat(source_.back().get(), name.c_str(), S_IRWXU) != 0) return failure("mkdirat", name);
      changes_.written += 1;
    }
    // A link that somebody put there meanwhile is not followed.
    UniqueFd below(::openat(source_.back().get(), name.c_str(), kDirectory));
    if (!below) return failure("openat", name);
    struct stat copy{};
    if (::fstat(staged.get(), &copy) != 0) return failure("fstat", name);
    if (!is_kept && ::fchown(below.get(), copy.st_uid, copy.st_gid) != 0) return failure("fchown", name);
    if ((!is_kept || ((before->mode ^ file.mode) & ~S_IFMT) != 0) && ::fchmod(below.get(), copy.st_mode & ~S_IFMT) != 0)
      return failure("fchmod", name);
    staged_.push_back(std::move(staged));
    source_.push_back(std::move(below));
    return true;
  }

  Status put(const std::string& name) {
    const auto before = found(name);
    if (before && S_ISDIR(before->mode)) {
      if (auto moved = move_aside(name); !moved) return std::move(moved.error());
    } else if (before && ::geteuid() == 0) {
      // defence: applied-keeps-its-owner
      const bool is_given =
          ::fchownat(staged_.back().get(), name.c_str(), before->uid, before->gid, AT_SYMLINK_NOFOLLOW) == 0;
      if (!is_given) return errno == ENOENT ? Status() : Status(failure("fchownat", name));
    }
    if (::renameat(staged_.back().get(), name.c_str(), source_.back().get(), name.c_str()) == 0) {
      changes_.written += 1;
      return {};
    }
    // It was left out.
    return errno == ENOENT ? Status() : Status(failure("renameat", name));
  }

  int staged_top_;
  int source_top_;
  /** What is removed goes there. */
  int aside_;
  AppliedChanges& changes_;
  std::size_t moved_ = 0;
  std::vector<UniqueFd> staged_;
  std::vector<UniqueFd> source_;
};

/** Removes all that lies in a folder that no other user can enter. */
class Removing final : public TreeWalk {
 public:
  explicit Removing(int top) : TreeWalk({}, kStep), top_(top) {}
  Status remove() { return run(top_); }

 private:
  struct Folder {
    std::string name{};
    std::uint64_t dev = 0;
    std::uint64_t ino = 0;
  };

  [[nodiscard]] bool may_open_up(const FileState& folder) const override { return folder.uid == ::geteuid(); }

  Status begin() override {
    const auto top = state_of(top_);
    if (!top) return last_error(kStep, kStateCall);
    around_ = {{.dev = top->dev, .ino = top->ino}};
    at_ = UniqueFd(::openat(top_, ".", kDirectory));
    return at_ ? Status() : Status(last_error(kStep, "openat"));
  }

  Result<bool> visit(int, FileState& file, std::string_view name) override {
    const std::string text(name);
    if (!S_ISDIR(file.mode))
      return ::unlinkat(at_.get(), text.c_str(), 0) == 0 ? Result<bool>(true) : failure("unlinkat", name);
    UniqueFd below(::openat(at_.get(), text.c_str(), kDirectory));
    if (!below) return failure("openat", name);
    around_.push_back({.name = text, .dev = file.dev, .ino = file.ino});
    at_ = std::move(below);
    return true;
  }

  Status finish(mode_t) override {
    const std::string name = std::move(around_.back().name);
    around_.pop_back();
    UniqueFd above(::openat(at_.get(), "..", kDirectory));
    if (!above) return failure("openat");
    at_ = std::move(above);
    const auto state = state_of(at_.get());
    // Who had a folder open before it came here may have moved it.
    if (!state || state->dev != around_.back().dev || state->ino != around_.back().ino) {
      errno = ESTALE;
      return failure("openat");
    }
    return ::unlinkat(at_.get(), name.c_str(), AT_REMOVEDIR) == 0 ? Status() : Status(failure("unlinkat"));
  }

  int top_;
  UniqueFd at_;
  /** The folder at each level. */
  std::vector<Folder> around_;
};

/** Follows no link, as the path of a source has none. */
UniqueFd open_folder(std::string_view path) {
  UniqueFd at(::open("/", kDirectory));
  while (at && !path.empty()) {
    const std::string name(cut(path, '/'));
    if (name.empty()) continue;
    // defence: changes-applied-through-no-link
    at = UniqueFd(::openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  }
  return at;
}

SysError at(SysError error, const std::string& path) {
  error.path = error.path.empty() ? path : path + (error.path.front() == '/' ? "" : "/") + error.path;
  return error;
}

/** All steps; `work` is a folder in the source that no other user can enter. */
Status apply_in(int work, int upper, int source, AppliedChanges& changes) {
  struct stat top{};
  if (::fstat(source, &top) != 0) return last_error(kStep, "fstat");
  for (const char* const name : {kStaged, "old"})
    if (::mkdirat(work, name, S_IRWXU) != 0) return last_error(kStep, "mkdirat");
  const UniqueFd staged(::openat(work, kStaged, kDirectory));
  const UniqueFd aside(::openat(work, "old", kDirectory));
  if (!staged || !aside) return last_error(kStep, "openat");
  const bool is_root = ::geteuid() == 0;
  Staging staging(staged.get(), {.uid = is_root ? top.st_uid : ::geteuid(), .gid = is_root ? top.st_gid : ::getegid()},
                  changes.left);
  if (auto status = staging.copy_all(upper); !status) return status;
  return Merging(staged.get(), source, aside.get(), changes).run(upper);
}

}  // namespace

Result<AppliedChanges> apply_changes(const std::string& upper, const std::string& path, const std::string& id) {
  const UniqueFd layer(::open(upper.c_str(), kDirectory));
  if (!layer) return last_error(kStep, "open", path);
  const UniqueFd source = open_folder(path);
  if (!source) return last_error(kStep, "open", path);
  const std::string name = ".buildjail-apply-" + id;
  if (::mkdirat(source.get(), name.c_str(), S_IRWXU) != 0) return last_error(kStep, "mkdirat", path);
  const UniqueFd work(::openat(source.get(), name.c_str(), kDirectory));
  if (!work) return last_error(kStep, "openat", path);
  AppliedChanges changes;
  auto status = apply_in(work.get(), layer.get(), source.get(), changes);
  if (status) status = Removing(work.get()).remove();
  if (status && ::unlinkat(source.get(), name.c_str(), AT_REMOVEDIR) != 0) status = last_error(kStep, "unlinkat", name);
  if (status) return changes;
  // What was not put in its place, and what was taken from it, lies there.
  auto error = at(std::move(status.error()), path);
  error.detail = "some changes are done and others are not; what was replaced or removed is in " + path + "/" + name;
  return error;
}

}  // namespace buildjail
