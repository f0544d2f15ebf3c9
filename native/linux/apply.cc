#include "linux/apply.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "linux/changed_since.h"
#include "linux/held_file.h"
#include "linux/overlays.h"
#include "linux/removing.h"
#include "linux/upper_layer.h"
#include "state/file_state.h"
#include "state/files.h"
#include "state/tree_walk.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "apply";
/** How many folders of the source may lie in each other. The walk holds each open, and its staged copy too. */
constexpr std::size_t kDeepest = 200;
constexpr mode_t kPermissions = S_IRWXU | S_IRWXG | S_IRWXO | S_ISVTX;
/** Folders in the work folder: the copies, and the files that they replace. */
constexpr const char* kNew = "new";
constexpr const char* kOld = "old";

/**
 * Goes through an upper layer, the staged copy of it and the source at once. What another process has changed in the
 * source since the first command stays.
 */
class Merging final : public TreeWalk {
 public:
  Merging(int staged, int source, int old, std::string marks, ChangedSince since, AppliedChanges& changes)
      : TreeWalk({}, kStep),
        staged_top_(staged),
        source_top_(source),
        old_(old),
        marks_(std::move(marks)),
        since_(std::move(since)),
        changes_(changes) {}

 private:
  /** A folder that the walk is in. */
  struct Level {
    UniqueFd staged;
    UniqueFd source;
    /** It gets this mode when everything in it is done. */
    std::optional<mode_t> mode{};
    /** The build saw nothing of the source in it. */
    bool is_opaque = false;
  };

  [[nodiscard]] bool may_open_up(const FileState& folder) const override { return folder.uid == ::geteuid(); }
  [[nodiscard]] int staged() const { return at_.back().staged.get(); }
  [[nodiscard]] int source() const { return at_.back().source.get(); }

  Status begin() override {
    at_.clear();
    at_.push_back({.staged = UniqueFd(::openat(staged_top_, ".", kReadFolder)),
                   .source = UniqueFd(::openat(source_top_, ".", kReadFolder))});
    return at_.back().staged && at_.back().source ? Status() : Status(last_error(kStep, "openat"));
  }

  Result<bool> visit(int fd, FileState& file, std::string_view found) override {
    const std::string name(found);
    const auto before = state_in(source(), name.c_str());
    if (is_whiteout(fd, file)) return before ? without_entering(remove(*before, name)) : Result<bool>(false);
    const auto staged_file = state_in(staged(), name.c_str());
    // Staging left it out, so the source keeps its own file.
    if (!staged_file) return false;
    if (S_ISDIR(file.mode) && before && S_ISDIR(before->mode)) return enter(fd, file, *before, name);
    // The folder was removed from the source meanwhile, and the layer has only what the build wrote in it. No build
    // renames a folder of the source (overlayfs.rst, "redirect_dir").
    // defence: nothing-removed-meanwhile-applied
    if (S_ISDIR(file.mode) && !before && is_of_lower(fd, marks_)) {
      leave(name);
      return false;
    }
    return without_entering(before ? replace(*staged_file, *before, name) : put(name));
  }

  static Result<bool> without_entering(Status status) {
    return status ? Result<bool>(false) : Result<bool>(std::move(status.error()));
  }

  Status finish(mode_t) override {
    const Level level = std::move(at_.back());
    at_.pop_back();
    return !level.mode || ::fchmod(level.source.get(), *level.mode) == 0 ? Status() : failure("fchmod");
  }

  [[nodiscard]] std::string place_of(std::string_view name) const { return path_of(ahead_ + std::string(name)); }
  void leave(std::string_view name) { note_left(place_of(name).substr(1), changes_.left); }

  /** Whether a file stays because it, or a file in it, is newer than the session's first command. */
  Result<bool> stays(const FileState& before, const std::string& name) {
    auto changed = S_ISDIR(before.mode) ? changed_below(source(), name, name) : std::vector<std::string>();
    if (!changed && !is_no_such_file(changed.error().err) && !is_refusal(changed.error().err))
      return std::move(changed.error());
    // If it is gone, another file may take its place. If the caller cannot open it, it may hold anything.
    if (changed && changed->empty() && !since_.has(before)) return false;
    leave(name);
    if (changed) leave_all(*changed);
    return true;
  }

  void leave_all(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) note_left(path.substr(1), changes_.left);
  }

  /** The newer files in the folder `at` of `around`, as paths that begin with the source's folder `name`. */
  Result<std::vector<std::string>> changed_below(int around, const std::string& at, const std::string& name) {
    const HeldFile folder(around, at);
    if (!folder) return failure("openat", name);
    if (!folder.open_up()) return failure(kModeCall, name);
    auto changed = changed_in(folder.fd(), place_of(name), since_, kStep);
    if (!folder.shut() && changed) return failure(kModeCall, name);
    return changed;
  }

  Status remove(const FileState& before, const std::string& name) {
    const auto is_kept = stays(before, name);
    if (!is_kept || *is_kept) return is_kept ? Status() : Status(is_kept.error());
    const auto is_gone = move_aside(before, name);
    return is_gone ? Status() : Status(is_gone.error());
  }

  /** Returns false if the file stays after all. */
  Result<bool> move_aside(const FileState& before, const std::string& name) {
    const std::string number = std::to_string(++moved_);
    if (const char* const call = move_file(source(), name, old_, number)) {
      if (errno == ENOENT) return true;
      if (!is_refusal(errno)) return failure(call, name);
      // A folder of another user cannot be moved, and can be removed while it is empty (rename(2), EACCES).
      const bool is_removed = S_ISDIR(before.mode) && ::unlinkat(source(), name.c_str(), AT_REMOVEDIR) == 0;
      changes_.removed += is_removed ? 1 : 0;
      if (!is_removed) leave(name);
      return is_removed;
    }
    has_other_names(before, state_in(old_, number.c_str()));
    if (S_ISDIR(before.mode)) {
      // Another process may have written in it during the check above. From here on no process finds the folder by its
      // path.
      // defence: applied-over-nothing-newer-2
      const auto changed = changed_below(old_, number, name);
      if (!changed) return changed.error();
      if (!changed->empty()) return move_back(number, name, *changed);
    }
    changes_.removed += 1;
    return true;
  }

  Result<bool> move_back(const std::string& number, const std::string& name, const std::vector<std::string>& changed) {
    // This fails if the source has another file of that name by now: rename(2) replaces no folder that is not empty.
    if (const char* const call = move_file(old_, number, source(), name)) return failure(call, name);
    leave(name);
    leave_all(changed);
    return false;
  }

  /** One of the file's names is gone, which changes its inode. The file may have other names in the source. */
  void has_other_names(const FileState& before, const std::optional<FileState>& now) {
    if (!S_ISDIR(before.mode) && before.links > 1 && now) since_.except(*now);
  }

  [[nodiscard]] SysError failure_of(const SysError& error, std::string_view name) const {
    errno = error.err;
    return failure(error.syscall.c_str(), name);
  }

  /** Enters a folder that both the layer and the source have. The build may have shut its own to itself. */
  Result<bool> enter(int fd, const FileState& file, const FileState& before, const std::string& name) {
    const bool is_callers = may_open_up(file);
    if (is_callers && !open_up(fd, file)) return failure(kModeCall, name);
    auto is_entered = enter_open(fd, file, before, name);
    if (is_callers && !shut_again(fd, file) && is_entered) return failure(kModeCall, name);
    return is_entered;
  }

  Result<bool> enter_open(int fd, const FileState& file, const FileState& seen, const std::string& name) {
    const auto is_marked = is_opaque(kStep, DescriptorPath(fd).get(), marks_);
    if (!is_marked) return failure_of(is_marked.error(), name);
    if (*is_marked) {
      const auto is_kept = stays(seen, name);
      if (!is_kept || *is_kept) return is_kept ? Result<bool>(false) : Result<bool>(is_kept.error());
    }
    // Folders that were made in one that is opaque need no mark of their own.
    const bool is_alone = at_.back().is_opaque || *is_marked;
    auto is_entered = enter_both(fd, file, name);
    if (!is_entered || !*is_entered || !is_alone) return is_entered;
    at_.back().is_opaque = true;
    ahead_ = name + "/";
    auto status = remove_missing(fd);
    ahead_.clear();
    if (status) return true;
    static_cast<void>(finish(file.mode));
    return std::move(status.error());
  }

  /**
   * The walk is about to enter a folder of the source. Removes the files from it that the upper layer's folder lacks.
   */
  Status remove_missing(int upper) {
    // The point, as the path of a descriptor is a link.
    const auto names = names_in(std::string(DescriptorPath(source()).get()) + "/.");
    if (!names) return failure_of(names.error(), ahead_);
    for (const std::string& name : *names) {
      if (state_in(upper, name.c_str()) || errno != ENOENT) continue;
      const auto before = state_in(source(), name.c_str());
      if (!before) continue;
      auto status = remove(*before, name);
      if (status) continue;
      status.error().path = place_of(name);
      return status;
    }
    return {};
  }

  Result<bool> enter_both(int fd, const FileState& file, const std::string& name) {
    if (at_.size() > kDeepest) {
      leave(name);
      return false;
    }
    // A link that somebody put there meanwhile is not followed.
    const HeldFile copy(staged(), name);
    const HeldFile below(source(), name);
    if (!copy || !below) return failure("openat", name);
    // defence: nothing-applied-another-inner-folder
    if (is_of_another(fd, below.fd(), marks_)) {
      leave(name);
      return false;
    }
    if (!copy.open_up() || !below.open_up()) return failure(kModeCall, name);
    Level level{.staged = copy.open_folder(), .source = below.open_folder()};
    if (!level.staged || !level.source) {
      auto error = failure("openat", name);
      static_cast<void>(below.shut());
      return error;
    }
    const FileState& before = below.state();
    const bool is_other_mode = ((before.mode ^ file.mode) & kPermissions) != 0;
    // Its mode may be newer than the session, or a file in it.
    const bool is_kept = is_other_mode && since_.has(before);
    if (is_kept) leave(name);
    if (is_other_mode && !is_kept)
      level.mode = (file.mode & kPermissions) | (before.mode & S_ISGID);
    else if ((before.mode & S_IRWXU) != S_IRWXU)
      level.mode = before.mode & ~mode_t{S_IFMT};
    at_.push_back(std::move(level));
    return true;
  }

  /** Replaces a file or a folder. */
  Status replace(const FileState& file, const FileState& before, const std::string& name) {
    const auto is_kept = stays(before, name);
    if (!is_kept || *is_kept) return is_kept ? Status() : Status(is_kept.error());
    if (::geteuid() == 0) {
      // defence: applied-keeps-its-owner
      const bool is_given = ::fchownat(staged(), name.c_str(), before.uid, before.gid, AT_SYMLINK_NOFOLLOW) == 0;
      if (!is_given) return failure("fchownat", name);
    }
    // rename(2) replaces a file by a file at once, and no folder that has something in it.
    if (S_ISDIR(before.mode) || S_ISDIR(file.mode)) {
      const auto is_gone = move_aside(before, name);
      if (!is_gone || !*is_gone) return is_gone ? Status() : Status(is_gone.error());
      return put(name);
    }
    const HeldFile replaced(source(), name);
    if (!replaced) return errno == ENOENT ? put(name) : failure("openat", name);
    if (S_ISREG(before.mode) && S_ISREG(file.mode)) {
      auto status = keep_marks(replaced.fd(), before, file, name);
      if (!status && !is_refusal(status.error().err)) return status;
      if (!status) {
        leave(name);
        return {};
      }
    }
    if (auto status = put(name); !status) return status;
    has_other_names(before, state_of(replaced.fd()));
    return {};
  }

  /** Keeps the access list and the attributes of a file whose content is replaced. */
  Status keep_marks(int replaced, const FileState& before, const FileState& file, const std::string& name) {
    const HeldFile copy(staged(), name);
    if (!copy) return failure("openat", name);
    auto status = copy_marks(replaced, before, copy.fd(), file);
    if (status) return status;
    status.error().step = kStep;
    status.error().path = path_of(name);
    return status;
  }

  /** Moves a staged file, or a folder with everything in it, to its place. */
  Status put(const std::string& name) {
    if (const char* const call = move_file(staged(), name, source(), name)) return failure(call, name);
    changes_.written += 1;
    return {};
  }

  int staged_top_;
  int source_top_;
  int old_;
  std::string marks_;
  ChangedSince since_;
  AppliedChanges& changes_;
  std::size_t moved_ = 0;
  std::vector<Level> at_;
  /** The path from the walk's folder to the folder in which a file is being removed. */
  std::string ahead_;
};

/** Whether an open folder is the source that the session has shown. */
Status confirm_source(int source, const Layer& layer) {
  struct stat found{};
  if (::fstat(source, &found) != 0) return last_error(kStep, "fstat", layer.source);
  // defence: nothing-applied-another-folder
  if (found.st_ino == layer.ino && static_cast<std::uint64_t>(found.st_dev) == layer.dev) return {};
  return SysError{.step = kStep,
                  .syscall = "fstat",
                  .err = ESTALE,
                  .path = layer.source,
                  .detail = "the folder is another one than when the session opened, and nothing was done in it"};
}

/** How far it has come; for errors. */
enum class Done { kNothing, kSome, kAll };

/** What was done, in words. */
std::string done_until(Done done, const std::string& place) {
  switch (done) {
    case Done::kNothing:
      return "nothing was done in the folder";
    case Done::kSome:
      return "some changes are done and others are not; what they replaced or removed is in " + place;
    case Done::kAll:
      return "all changes are done; what they replaced or removed is in " + place;
  }
  return {};
}

/** All steps; `work` is a folder in the source that no other user can enter. */
Status apply_in(int work, int upper, int source, const Layer& layer, const MountedIn& points, AppliedChanges& changes,
                Done& done) {
  auto marks = marks_of(kStep, layer.path);
  if (!marks) return std::move(marks.error());
  for (const char* const name : {kNew, kOld})
    if (::mkdirat(work, name, S_IRWXU) != 0) return last_error(kStep, "mkdirat");
  const UniqueFd staged(::openat(work, kNew, kReadFolder));
  const UniqueFd old(::openat(work, kOld, kReadFolder));
  if (!staged || !old) return last_error(kStep, "openat");
  if (auto status = stage(upper, staged.get(), source, points, changes.left, kStep); !status) return status;
  done = Done::kSome;
  Merging merging(staged.get(), source, old.get(), std::move(*marks), ChangedSince(layer.since_ns), changes);
  if (auto status = merging.run(upper); !status) return status;
  done = Done::kAll;
  return {};
}

Status remove_work(int work, int source, const std::string& name) {
  if (auto status = remove_all_in(work, kStep); !status) return status;
  return ::unlinkat(source, name.c_str(), AT_REMOVEDIR) == 0 ? Status() : Status(last_error(kStep, "unlinkat"));
}

}  // namespace

Result<AppliedChanges> apply_changes(const Layer& layer, const std::string& id, const MountedIn& points) {
  const std::string& path = layer.source;
  const UniqueFd upper(::open(layer.path.c_str(), kReadFolder));
  if (!upper) return last_error(kStep, "open", path);
  const UniqueFd root(::open("/", kReadFolder));
  // defence: changes-applied-through-no-link
  const UniqueFd source = folder_below(root.get(), path);
  if (!source) return folder_not_opened(kStep, "openat", path);
  if (auto status = confirm_source(source.get(), layer); !status) return std::move(status.error());
  const std::string name = ".buildjail-apply-" + id;
  const std::string place = path + "/" + name;
  const auto work = make_private_folder(kStep, source.get(), name, place);
  if (!work) return work.error();
  AppliedChanges changes;
  Done done = Done::kNothing;
  auto status = apply_in(work->get(), upper.get(), source.get(), layer, points, changes, done);
  // After an error half-way the work folder holds the files that were moved out of the source.
  const auto removed = done == Done::kSome ? Status() : remove_work(work->get(), source.get(), name);
  if (status && removed) return changes;
  SysError error = status ? removed.error() : status.error();
  error.path = error.path.starts_with('/') || error.path.empty() ? path + error.path : path + "/" + error.path;
  error.detail = done_until(done, place);
  return error;
}

}  // namespace buildjail
