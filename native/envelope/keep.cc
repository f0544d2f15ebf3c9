#include "envelope/keep.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <memory>
#include <ranges>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "base/unique_fd.h"
#include "envelope/tree_copy.h"
#include "state/file_state.h"
#include "state/files.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "keep";
/** The most files that are reported by name, because a build may have made any number. */
constexpr std::size_t kMostLeft = 100;

/**
 * Whether a build can cause this error for one of its files, whatever file system the copy is on. An error of the host,
 * such as no room, no memory or no right to give a file away, ends the copy instead.
 */
bool is_of_the_build(const SysError& error) {
  switch (error.err) {
    // Its reader may not read it.
    case EACCES:
    // A process has a lease on it (fcntl(2), F_SETLEASE).
    case EAGAIN:
    // Its name differs only by case or by form from that of another, and the file system tells no such names apart.
    case EEXIST:
    // Its size, be it of a hole alone.
    case EFBIG:
    // Its name has characters that the file system has no names of.
    case EILSEQ:
    case EINVAL:
    // It has more names, or its folder has more folders in it.
    case EMLINK:
    // Its name, or the text of a link.
    case ENAMETOOLONG:
    case EOPNOTSUPP:
      return true;
    // The file system has no links of that kind (link(2), symlink(2)).
    case EPERM:
    case ENOSYS:
      return error.syscall == "linkat" || error.syscall == "symlinkat";
    default:
      return false;
  }
}

/** No process may change the directory meanwhile. Files with several names become one file. */
class Keeping final : public TreeCopy {
 public:
  /**
   * @param to the folder of the copy; no other user may enter it meanwhile
   * @param several a folder for a name of each file that has several, so that what a build makes takes no memory here
   * @param owner what has the owner of the copy
   * @param longest_path in the copy; few programs could remove a file whose whole path is longer than PATH_MAX
   * @param left the paths in the copy of files that are no file, folder or link, that may not be read, or that the file
   * system of the copy cannot have; a folder stands for everything in it
   */
  Keeping(int to, int several, const struct stat& owner, std::size_t longest_path, std::vector<std::string>& left)
      : TreeCopy(kStep, to), several_(several), owner_(owner), longest_path_(longest_path), left_(left) {}

  /** The number of left out files beyond those that are reported one by one. */
  [[nodiscard]] std::size_t untold() const { return count_ - std::min(count_, kMostLeft); }

 private:
  [[nodiscard]] Owner owner_of(const FileState&) const override { return {owner_.st_uid, owner_.st_gid}; }

  Result<bool> wants(const std::string& path, const FileState&) override {
    if (path.size() <= longest_path_) return true;
    note_left(path);
    return false;
  }

  Status leave_out(std::string path, SysError why) override {
    // defence: one-file-build-does
    if (!is_of_the_build(why)) {
      why.path = std::move(path);
      return why;
    }
    note_left(std::move(path));
    return {};
  }

  void note_left(std::string path) {
    // defence: few-left-of-kept
    if (++count_ <= kMostLeft) left_.push_back(std::move(path));
  }

  Status copy_file(int fd, const FileState& file, const char* name) override {
    // defence: copy-kept-takes-no
    if (file.links <= 1) return copy_content(fd, file, name);
    return copy_one_of_several(fd, file, name);
  }

  Status copy_one_of_several(int fd, const FileState& file, const char* name) {
    const std::string number = std::to_string(file.dev) + "-" + std::to_string(file.ino);
    if (::linkat(several_, number.c_str(), at(), name, 0) == 0) return {};
    if (errno != ENOENT) return last_error(kStep, "linkat");
    auto status = copy_content(fd, file, name);
    if (!status || ::linkat(at(), name, several_, number.c_str(), 0) == 0) return status;
    auto error = last_error(kStep, "linkat");
    if (!is_of_the_build(error)) return error;
    // The file system has no such links. A folder has none on any (link(2), EPERM), so the further names fail at this
    // one.
    return ::mkdirat(several_, number.c_str(), S_IRWXU) == 0 ? Status() : last_error(kStep, "mkdirat");
  }

  int several_;
  const struct stat& owner_;
  std::size_t longest_path_;
  std::vector<std::string>& left_;
  std::size_t count_ = 0;
};

std::string below(const std::string& folder, const std::string& name) {
  return folder == "/" ? folder + name : folder + "/" + name;
}

/** Opens a folder that a build with our own id has shut. No other user gets in by that, because the build is over. */
bool is_open_to_us(int folder) {
  if (UniqueFd(::openat(folder, ".", kReadFolder))) return true;
  if (errno != EACCES) return false;
  if (set_mode(folder, S_IRWXU)) return true;
  errno = EACCES;
  return false;
}

SysError refused(int err, const std::string& path, const char* why) {
  return SysError{.step = kStep, .syscall = "fstat", .err = err, .path = path, .detail = why};
}

/** Finds the folder again, and makes it if it was missing. Makes nothing if another one is in its place. */
Result<UniqueFd> open_place(const KeepPlace& place) {
  UniqueFd found(::open(place.folder.c_str(), kHoldFolder));
  if (!found) return folder_not_opened(kStep, "open", place.folder);
  struct stat now{};
  if (::fstat(found.get(), &now) != 0) return last_error(kStep, "fstat", place.folder);
  // defence: nothing-kept-another-folder
  if (now.st_ino != place.ino || static_cast<std::uint64_t>(now.st_dev) != place.dev)
    return refused(ESTALE, place.folder, "the folder is another one than when the plan was made");
  if (place.missing.empty()) return found;
  const std::string path = below(place.folder, place.missing);
  // Whatever the umask is: only the owner may exchange the kept files.
  // defence: keep-folder-others-write
  constexpr mode_t kMode = 0755;
  if (::mkdirat(found.get(), place.missing.c_str(), kMode) != 0 && errno != EEXIST)
    return last_error(kStep, "mkdirat", path);
  // defence: nothing-kept-through-link
  UniqueFd made(::openat(found.get(), place.missing.c_str(), kHoldFolder));
  if (!made) return folder_not_opened(kStep, "openat", path);
  return made;
}

/** The folder of one session's copy. */
class Copy {
 public:
  static Result<Copy> begin(const KeepPlace& place) {
    const auto folder = open_place(place);
    if (!folder) return folder.error();
    const std::string around = place.missing.empty() ? place.folder : below(place.folder, place.missing);
    Copy copy(below(around, place.id));
    if (::fstat(folder->get(), &copy.around_) != 0) return last_error(kStep, "fstat", around);
    // No other user can enter it before all of it has its owner. The folder of another session is locked: it will soon
    // be that owner's.
    auto top = make_private_folder(kStep, folder->get(), place.id, copy.path_);
    if (!top) return std::move(top.error());
    copy.top_ = std::move(*top);
    // No target has this name.
    copy.several_name_ = place.id;
    if (::mkdirat(copy.top_.get(), place.id.c_str(), S_IRWXU) != 0) return last_error(kStep, "mkdirat", copy.path_);
    copy.several_ = UniqueFd(::openat(copy.top_.get(), place.id.c_str(), kReadFolder));
    if (!copy.several_) return last_error(kStep, "openat", copy.path_);
    return copy;
  }

  Status add(int root, const std::string& target, std::vector<std::string>& left) {
    const UniqueFd from = folder_below(root, target);
    if (!from || !is_open_to_us(from.get())) return left_out("openat", target, left);
    int at = top_.get();
    for (std::string_view way = target; !way.empty();) {
      const std::string name(cut(way, '/'));
      if (name.empty()) continue;
      // It exists if another target lies in it or around it; then it is a folder of the copy.
      if (::mkdirat(at, name.c_str(), S_IRWXU) != 0 && errno != EEXIST) return left_out("mkdirat", target, left);
      UniqueFd next(::openat(at, name.c_str(), kReadFolder));
      if (!next) return left_out("openat", target, left);
      made_.push_back(std::move(next));
      at = made_.back().get();
    }
    const std::size_t outer = path_.size() + target.size() + 1;
    const std::size_t longest_path = outer < PATH_MAX ? PATH_MAX - 1 - outer : 0;
    std::vector<std::string> left_in_it;
    Keeping keeping(at, several_.get(), around_, longest_path, left_in_it);
    auto status = keeping.copy_all(from.get());
    if (!status) status.error().path = target + "/" + status.error().path;
    for (const std::string& one : left_in_it) left.push_back(target.substr(1) + "/" + one);
    if (keeping.untold() > 0)
      left.push_back("and " + std::to_string(keeping.untold()) + " more in " + target.substr(1));
    return status;
  }

  /** The last step, from the inside out, because from here on its owner can enter. */
  Status give_away() {
    Status status = remove_several();
    made_.insert(made_.begin(), std::move(top_));
    for (const UniqueFd& folder : std::views::reverse(made_)) {
      const bool is_given = ::fchown(folder.get(), around_.st_uid, around_.st_gid) == 0;
      if (status && !is_given) status = last_error(kStep, "fchown", path_);
    }
    return status;
  }

 private:
  explicit Copy(std::string path) : path_(std::move(path)) {}

  Status remove_several() {
    // Opened anew, as Btrfs lists by a descriptor only what was there when that was opened.
    UniqueFd again(::openat(several_.get(), ".", kReadFolder));
    if (!again) return last_error(kStep, "openat", path_);
    const std::unique_ptr<DIR, int (*)(DIR*)> list(::fdopendir(again.get()), ::closedir);
    if (!list) return last_error(kStep, "fdopendir", path_);
    const int folder = again.release();
    errno = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread has this one
    while (const struct dirent* const entry = ::readdir(list.get())) {
      const std::string_view name = entry->d_name;
      const bool is_itself = name == "." || name == "..";
      const int flags = entry->d_type == DT_DIR ? AT_REMOVEDIR : 0;
      if (!is_itself && ::unlinkat(folder, entry->d_name, flags) != 0) return last_error(kStep, "unlinkat", path_);
      errno = 0;
    }
    if (errno != 0) return last_error(kStep, "readdir", path_);
    if (::unlinkat(top_.get(), several_name_.c_str(), AT_REMOVEDIR) == 0) return {};
    return last_error(kStep, "unlinkat", path_);
  }

  /** After a failed call. A build can have moved or shut a folder that the target is in; the other targets are kept. */
  static Status left_out(const char* call, const std::string& target, std::vector<std::string>& left) {
    if (!is_no_such_file(errno) && errno != EACCES) return last_error(kStep, call, target);
    left.push_back(target.substr(1));
    return {};
  }

  std::string path_;
  struct stat around_{};
  UniqueFd top_;
  UniqueFd several_;
  std::string several_name_;
  std::vector<UniqueFd> made_;
};

}  // namespace

KeepReport keep(int root, const std::vector<std::string>& targets, const KeepPlace& place) {
  KeepReport report;
  auto copy = Copy::begin(place);
  if (!copy) return {.failure = std::move(copy.error())};
  for (const std::string& target : targets) {
    auto status = copy->add(root, target, report.left);
    // defence: copy-kept-given-away
    if (status) continue;
    report.failure = std::move(status.error());
    break;
  }
  // Once, after the last target, because its owner could put links into it. After a failure as well.
  auto given = copy->give_away();
  if (!given && !report.failure) report.failure = std::move(given.error());
  return report;
}

}  // namespace buildjail
