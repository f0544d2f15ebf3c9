#include "linux/apply.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/tolerated.h"
#include "base/unique_fd.h"
#include "envelope/tree_copy.h"
#include "linux/overlays.h"
#include "state/file_state.h"
#include "state/files.h"
#include "state/tree_walk.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "apply";
/** A build may have made any number of sockets and fifos. */
constexpr std::size_t kMostLeft = 100;
/** Folders of the source, one in the other: each is held open, and its staged copy too. */
constexpr std::size_t kDeepest = 200;
constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
/** In the work folder: the copies, and what they take the place of. */
constexpr const char* kNew = "new";
constexpr const char* kOld = "old";

void note_left(std::string path, std::vector<std::string>& left) {
  if (left.size() < kMostLeft) left.push_back(std::move(path));
}

/** Marks a removed file in an upper layer (overlayfs.rst, "whiteouts and opaque directories"). */
bool is_whiteout(int fd, const FileState& file) {
  struct stat found{};
  return S_ISCHR(file.mode) && ::fstat(fd, &found) == 0 && found.st_rdev == ::makedev(0, 0);
}

/** Copies what was written into the file system of the source, so that putting it in place takes no more room. */
class Staging final : public TreeCopy {
 public:
  Staging(int to, Owner owner, const MountedIn& points, std::vector<std::string>& left)
      : TreeCopy(kStep, to), owner_(owner), points_(points), left_(left) {}

 private:
  [[nodiscard]] Owner owner_of(const FileState&) const override { return owner_; }
  [[nodiscard]] bool has_times() const override { return true; }
  // No build can make a device: these are whiteouts.
  Result<bool> wants(const std::string& path, const FileState& file) override {
    return !S_ISCHR(file.mode) && !points_.contains(path);
  }
  Status leave_out(std::string path, SysError why) override {
    if (why.err != EOPNOTSUPP && why.err != EACCES) return why;
    note_left(std::move(path), left_);
    return {};
  }

  Owner owner_;
  const MountedIn& points_;
  std::vector<std::string>& left_;
};

/** Takes the folders that the source lacks and that hold nothing but points out of the staged copy. */
void leave_out_around(const MountedIn& points, int staged, int source) {
  const Tolerated tolerated("a folder that cannot be taken out is one more empty folder in the source");
  for (const std::string& point : points) {
    for (auto end = point.rfind('/'); end != std::string::npos; end = point.rfind('/', end - 1)) {
      const std::string_view way = std::string_view(point).substr(0, end);
      const std::size_t slash = way.rfind('/');
      const std::string_view around = slash == std::string_view::npos ? "" : way.substr(0, slash);
      const std::string name(way.substr(slash + 1));
      const UniqueFd before = folder_below(source, around);
      if (before && state_in(before.get(), name.c_str())) break;
      const UniqueFd made = folder_below(staged, around);
      // It fails where something else is in it.
      if (!made || ::unlinkat(made.get(), name.c_str(), AT_REMOVEDIR) != 0) break;
    }
  }
}

/** Goes through an upper layer, the staged copy of it and the source at once. */
class Merging final : public TreeWalk {
 public:
  Merging(int staged, int source, int old, const char* opaque_mark, AppliedChanges& changes)
      : TreeWalk({}, kStep),
        staged_top_(staged),
        source_top_(source),
        old_(old),
        opaque_mark_(opaque_mark),
        changes_(changes) {}

 private:
  [[nodiscard]] bool may_open_up(const FileState& folder) const override { return folder.uid == ::geteuid(); }

  Status begin() override {
    staged_.clear();
    source_.clear();
    are_opaque_.assign(1, false);
    staged_.emplace_back(::openat(staged_top_, ".", kDirectory));
    source_.emplace_back(::openat(source_top_, ".", kDirectory));
    return staged_.back() && source_.back() ? Status() : Status(last_error(kStep, "openat"));
  }

  Result<bool> visit(int fd, FileState& file, std::string_view found) override {
    const std::string name(found);
    if (is_whiteout(fd, file)) return without_entering(remove(name));
    const auto staged = state_in(staged_.back().get(), name.c_str());
    // It was left out, so what the source has stays.
    if (!staged) return false;
    const auto before = state_in(source_.back().get(), name.c_str());
    if (S_ISDIR(file.mode) && before && S_ISDIR(before->mode)) return enter(fd, file, *before, name);
    return without_entering(put(*staged, before, name));
  }

  static Result<bool> without_entering(Status status) {
    return status ? Result<bool>(false) : Result<bool>(std::move(status.error()));
  }

  Status finish(mode_t) override {
    staged_.pop_back();
    source_.pop_back();
    are_opaque_.pop_back();
    return {};
  }

  Status remove(const std::string& name) {
    if (!state_in(source_.back().get(), name.c_str())) return {};
    changes_.removed += 1;
    return move_aside(name);
  }

  Status move_aside(const std::string& name) {
    const std::string number = std::to_string(++moved_);
    if (::renameat(source_.back().get(), name.c_str(), old_, number.c_str()) == 0 || errno == ENOENT) return {};
    return failure("renameat", name);
  }

  /** A folder that both have. */
  Result<bool> enter(int fd, const FileState& file, const FileState& before, const std::string& name) {
    if (source_.size() > kDeepest) {
      note_left(path_of(name).substr(1), changes_.left);
      return false;
    }
    UniqueFd staged(::openat(staged_.back().get(), name.c_str(), kDirectory));
    // A link that somebody put there meanwhile is not followed.
    UniqueFd below(::openat(source_.back().get(), name.c_str(), kDirectory));
    if (!staged || !below) return failure("openat", name);
    constexpr mode_t kPermissions = S_IRWXU | S_IRWXG | S_IRWXO | S_ISVTX;
    const bool is_other_mode = ((before.mode ^ file.mode) & kPermissions) != 0;
    if (is_other_mode && ::fchmod(below.get(), file.mode & kPermissions) != 0) return failure("fchmod", name);
    // Folders that were made in one that is opaque need no mark of their own.
    const auto is_marked = is_opaque(kStep, DescriptorPath(fd).get(), opaque_mark_);
    if (!is_marked) return failure_of(is_marked.error(), name);
    are_opaque_.push_back(are_opaque_.back() || *is_marked);
    staged_.push_back(std::move(staged));
    source_.push_back(std::move(below));
    if (!are_opaque_.back()) return true;
    auto status = remove_missing(fd);
    return status ? Result<bool>(true) : Result<bool>(std::move(status.error()));
  }

  [[nodiscard]] SysError failure_of(const SysError& error, std::string_view name = {}) const {
    errno = error.err;
    return failure(error.syscall.c_str(), name);
  }

  /** Removes from the folder of the source what is not in that of the upper layer. */
  Status remove_missing(int upper) {
    // The point, as the path of a descriptor is a link.
    const auto names = names_in(std::string(DescriptorPath(source_.back().get()).get()) + "/.");
    if (!names) return failure_of(names.error());
    for (const std::string& name : *names) {
      if (state_in(upper, name.c_str()) || errno != ENOENT) continue;
      if (auto status = remove(name); !status) return status;
    }
    return {};
  }

  /** A folder goes to its place with all that is in it. */
  Status put(const FileState& staged, const std::optional<FileState>& before, const std::string& name) {
    if (before && ::geteuid() == 0) {
      // defence: applied-keeps-its-owner
      const bool is_given =
          ::fchownat(staged_.back().get(), name.c_str(), before->uid, before->gid, AT_SYMLINK_NOFOLLOW) == 0;
      if (!is_given) return failure("fchownat", name);
    }
    // rename(2) replaces a file by a file at once, and no folder that has something in it.
    if (before && (S_ISDIR(before->mode) || S_ISDIR(staged.mode))) {
      if (auto status = remove(name); !status) return status;
    }
    if (::renameat(staged_.back().get(), name.c_str(), source_.back().get(), name.c_str()) != 0)
      return failure("renameat", name);
    changes_.written += 1;
    return {};
  }

  int staged_top_;
  int source_top_;
  int old_;
  const char* opaque_mark_;
  AppliedChanges& changes_;
  std::size_t moved_ = 0;
  std::vector<UniqueFd> staged_;
  std::vector<UniqueFd> source_;
  /** Whether nothing else of the source is seen in the folder at each level. */
  std::vector<bool> are_opaque_;
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

  Result<bool> visit(int fd, FileState& file, std::string_view name) override {
    const std::string text(name);
    if (!S_ISDIR(file.mode))
      return ::unlinkat(at_.get(), text.c_str(), 0) == 0 ? Result<bool>(true) : failure("unlinkat", name);
    // The very folder that is visited, whatever has its name by now.
    UniqueFd below(::openat(fd, ".", kDirectory));
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
    // A process that had a folder open before it came here can have moved it.
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

/** All steps; `work` is a folder in the source that no other user can enter. */
Status apply_in(int work, int upper, int source, const char* opaque_mark, const MountedIn& points,
                AppliedChanges& changes) {
  struct stat top{};
  if (::fstat(source, &top) != 0) return last_error(kStep, "fstat");
  for (const char* const name : {kNew, kOld})
    if (::mkdirat(work, name, S_IRWXU) != 0) return last_error(kStep, "mkdirat");
  const UniqueFd staged(::openat(work, kNew, kDirectory));
  const UniqueFd old(::openat(work, kOld, kDirectory));
  if (!staged || !old) return last_error(kStep, "openat");
  const bool is_root = ::geteuid() == 0;
  Staging staging(staged.get(), {.uid = is_root ? top.st_uid : ::geteuid(), .gid = is_root ? top.st_gid : ::getegid()},
                  points, changes.left);
  if (auto status = staging.copy_all(upper); !status) return status;
  leave_out_around(points, staged.get(), source);
  return Merging(staged.get(), source, old.get(), opaque_mark, changes).run(upper);
}

}  // namespace

Result<AppliedChanges> apply_changes(const std::string& upper, const std::string& path, const std::string& id,
                                     const MountedIn& points) {
  const UniqueFd layer(::open(upper.c_str(), kDirectory));
  if (!layer) return last_error(kStep, "open", path);
  const auto opaque_mark = opaque_mark_of(kStep, upper);
  if (!opaque_mark) return opaque_mark.error();
  const UniqueFd root(::open("/", kDirectory));
  // defence: changes-applied-through-no-link
  const UniqueFd source = folder_below(root.get(), path);
  if (!source) return folder_not_opened(kStep, "openat", path);
  const std::string name = ".buildjail-apply-" + id;
  const std::string place = path + "/" + name;
  const auto work = make_private_folder(kStep, source.get(), name, place);
  if (!work) return work.error();
  AppliedChanges changes;
  auto status = apply_in(work->get(), layer.get(), source.get(), *opaque_mark, points, changes);
  if (status) status = Removing(work->get()).remove();
  if (status && ::unlinkat(source.get(), name.c_str(), AT_REMOVEDIR) != 0) status = last_error(kStep, "unlinkat");
  if (status) return changes;
  SysError& error = status.error();
  error.path = error.path.starts_with('/') || error.path.empty() ? path + error.path : path + "/" + error.path;
  error.detail = "some changes are done and others are not; what they replaced or removed is in " + place;
  return std::move(error);
}

}  // namespace buildjail
