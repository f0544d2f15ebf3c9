#include "envelope/keep.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <map>
#include <ranges>
#include <set>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "base/unique_fd.h"
#include "state/file_state.h"
#include "state/files.h"
#include "state/tree_walk.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "keep";
// defence: kept-no-set-id
constexpr mode_t kPermissions = S_IRWXU | S_IRWXG | S_IRWXO | S_ISVTX;
/** The most files that are reported by name, because a build may have made any number. */
constexpr std::size_t kMostLeft = 100;

/**
 * Whether a build can cause this error for one of its files, whatever file system the copy is on. An error of the host
 * ends the copy instead: no room, no memory, no right to give a file away.
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

/**
 * Copies the content of a directory, with its modes except for set-id bits. Files with several names become one file,
 * and holes stay holes, so that the copy is no larger. No process may change the directory meanwhile. After a failure
 * each file that is there is whole and has its owner.
 */
class Keeping final : public TreeWalk {
 public:
  /**
   * @param to the folder of the copy; no other user may enter it meanwhile
   * @param owner what has the owner of the copy
   * @param longest_path in the copy; few programs could remove a file whose whole path is longer than PATH_MAX
   * @param left the paths in the copy of files that are no file, folder or link, that may not be read, or that the file
   * system of the copy cannot have; a folder stands for everything in it
   */
  Keeping(int to, const struct stat& owner, std::size_t longest_path, std::vector<std::string>& left)
      : TreeWalk({}, kStep), to_(to), owner_(owner), longest_path_(longest_path), left_(left) {}

  /** After an error, too, folders get their mode and owner: at the end, because a shut one cannot be written to. */
  Status copy_all(int top) {
    Status status = run(top);
    for (const auto& [path, mode] : std::views::reverse(folders_)) {
      const UniqueFd folder(::openat(to_, path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      auto settled = folder ? settle(folder.get(), mode, path) : last_error(kStep, "openat", path);
      if (status && !settled) status = std::move(settled);
    }
    if (count_ > kMostLeft) left_.push_back("and " + std::to_string(count_ - kMostLeft) + " more");
    return status;
  }

 private:
  using Identity = std::pair<std::uint64_t, std::uint64_t>;
  static Identity identity_of(const FileState& file) { return {file.dev, file.ino}; }

  [[nodiscard]] bool may_open_up(const FileState& folder) const override { return folder.uid == ::geteuid(); }

  Status visit(int fd, FileState& file, std::string_view name) override {
    if (is_in_left_out(file)) return {};
    const std::string path = path_of(name).substr(1);
    if (path.size() <= longest_path_) {
      auto status = copy(fd, file, path);
      // defence: one-file-build-does
      if (status || !is_of_the_build(status.error())) return status;
    }
    leave_out(path);
    if (S_ISDIR(file.mode)) left_out_.insert(identity_of(file));
    return {};
  }

  /** Only the folder that was left out is reported, however deep it is. A walk goes through all of it at a stretch. */
  bool is_in_left_out(const FileState& file) {
    if (left_out_.empty()) return false;
    if (!left_out_.contains(identity_of(folder()))) {
      left_out_.clear();
      return false;
    }
    if (S_ISDIR(file.mode)) left_out_.insert(identity_of(file));
    return true;
  }

  void leave_out(const std::string& path) {
    if (++count_ <= kMostLeft) left_.push_back(path);
  }

  Status copy(int fd, const FileState& file, const std::string& path) {
    if (S_ISDIR(file.mode)) {
      if (::mkdirat(to_, path.c_str(), S_IRWXU) != 0) return last_error(kStep, "mkdirat", path);
      folders_.emplace_back(path, file.mode & kPermissions);
      return {};
    }
    if (S_ISLNK(file.mode)) return copy_link(fd, path);
    if (!S_ISREG(file.mode)) {
      leave_out(path);
      return {};
    }
    // defence: copy-kept-takes-no
    if (file.links <= 1) return copy_content(fd, file, path);
    const auto [known, is_new] = names_.try_emplace(identity_of(file), path);
    if (is_new) {
      auto status = copy_content(fd, file, path);
      if (!status) known->second.clear();
      return status;
    }
    if (known->second.empty()) {
      leave_out(path);
      return {};
    }
    if (::linkat(to_, known->second.c_str(), to_, path.c_str(), 0) == 0) return {};
    return last_error(kStep, "linkat", path);
  }

  Status copy_link(int fd, const std::string& path) {
    std::string text(PATH_MAX, '\0');
    // Of the link itself, which the descriptor has (readlink(2), an empty path).
    const ssize_t size = ::readlinkat(fd, "", text.data(), text.size());
    if (size < 0) return last_error(kStep, "readlinkat", path);
    text.resize(static_cast<std::size_t>(size));
    if (::symlinkat(text.c_str(), to_, path.c_str()) != 0) return last_error(kStep, "symlinkat", path);
    if (::fchownat(to_, path.c_str(), owner_.st_uid, owner_.st_gid, AT_SYMLINK_NOFOLLOW) == 0) return {};
    return taken_back(last_error(kStep, "fchownat", path), path);
  }

  Status copy_content(int fd, const FileState& file, const std::string& path) {
    const UniqueFd from = open_content(fd);
    if (!from) return last_error(kStep, kContentCall, path);
    const UniqueFd to(
        ::openat(to_, path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (!to) return last_error(kStep, "openat", path);
    auto status = copy_data(from.get(), to.get(), path);
    if (status) status = settle(to.get(), file.mode & kPermissions, path);
    return status ? std::move(status) : taken_back(std::move(status.error()), path);
  }

  /** Removes a file that is not whole, because it would look like a file of the build. */
  [[nodiscard]] Status taken_back(SysError error, const std::string& path) const {
    static_cast<void>(::unlinkat(to_, path.c_str(), 0));
    return error;
  }

  static Status copy_data(int from, int to, const std::string& path) {
    const off_t size = ::lseek(from, 0, SEEK_END);
    if (size < 0 || ::ftruncate(to, size) != 0) return last_error(kStep, size < 0 ? "lseek" : "ftruncate", path);
    for (off_t at = 0; at < size;) {
      const off_t data = ::lseek(from, at, SEEK_DATA);
      // Nothing but a hole is left.
      if (data < 0 && errno == ENXIO) return {};
      // defence: no-hole-written-copy
      const off_t hole = data < 0 ? -1 : ::lseek(from, data, SEEK_HOLE);
      if (hole < 0) return last_error(kStep, "lseek", path);
      // No further than the hole: written zeros take room.
      if (auto status = copy_piece(from, to, data, hole, path); !status) return status;
      at = hole;
    }
    return {};
  }

  static Status copy_piece(int from, int to, off_t at, off_t end, const std::string& path) {
    std::array<std::byte, std::size_t{64} * 1024> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    while (at < end) {
      const auto wanted = static_cast<std::size_t>(std::min<off_t>(end - at, buffer.size()));
      const ssize_t got = without_interruption([&] { return ::pread(from, buffer.data(), wanted, at); });
      if (got < 0) return last_error(kStep, "pread", path);
      if (got == 0) return {};
      for (ssize_t done = 0; done < got;) {
        const ssize_t written = without_interruption(
            [&] { return ::pwrite(to, buffer.data() + done, static_cast<std::size_t>(got - done), at + done); });
        if (written < 0) return last_error(kStep, "pwrite", path);
        done += written;
      }
      at += got;
    }
    return {};
  }

  [[nodiscard]] Status settle(int fd, mode_t mode, const std::string& path) const {
    // Before its mode: whoever is no superuser loses set-id bits only by it, and none are given.
    // defence: kept-belongs-owner-folder
    if (::fchown(fd, owner_.st_uid, owner_.st_gid) != 0) return last_error(kStep, "fchown", path);
    if (::fchmod(fd, mode) != 0) return last_error(kStep, "fchmod", path);
    return {};
  }

  int to_;
  const struct stat& owner_;
  std::size_t longest_path_;
  std::vector<std::string>& left_;
  std::size_t count_ = 0;
  std::vector<std::pair<std::string, mode_t>> folders_;
  /** For a file with several names, the name that was copied; empty if it was left out. */
  std::map<Identity, std::string> names_;
  /** The folder that was left out last, and the folders in it. */
  std::set<Identity> left_out_;
};

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

std::string below(const std::string& folder, const std::string& name) {
  return folder == "/" ? folder + name : folder + "/" + name;
}

/** Opens a folder that a build with our own id has shut. No other user gets in by that, because the build is over. */
bool is_open_to_us(int folder) {
  if (UniqueFd(::openat(folder, ".", kDirectory))) return true;
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
  // Whatever the umask is, nobody but its owner may exchange what is kept there.
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
    // No other user can enter it before all of it has its owner.
    if (::mkdirat(folder->get(), place.id.c_str(), S_IRWXU) != 0) return last_error(kStep, "mkdirat", copy.path_);
    copy.top_ = UniqueFd(::openat(folder->get(), place.id.c_str(), kDirectory));
    if (!copy.top_) return folder_not_opened(kStep, "openat", copy.path_);
    if (auto status = copy.check(); !status) return std::move(status.error());
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
      UniqueFd next(::openat(at, name.c_str(), kDirectory));
      if (!next) return left_out("openat", target, left);
      made_.push_back(std::move(next));
      at = made_.back().get();
    }
    const std::size_t outer = path_.size() + target.size() + 1;
    const std::size_t longest_path = outer < PATH_MAX ? PATH_MAX - 1 - outer : 0;
    std::vector<std::string> left_in_it;
    auto status = Keeping(at, around_, longest_path, left_in_it).copy_all(from.get());
    if (!status) status.error().path = target + "/" + status.error().path;
    for (const std::string& one : left_in_it) left.push_back(target.substr(1) + "/" + one);
    return status;
  }

  /** The last step, from the inside out, because from here on its owner can enter. */
  Status give_away() {
    Status status;
    made_.insert(made_.begin(), std::move(top_));
    for (const UniqueFd& folder : std::views::reverse(made_)) {
      const bool is_given = ::fchown(folder.get(), around_.st_uid, around_.st_gid) == 0;
      if (status && !is_given) status = last_error(kStep, "fchown", path_);
    }
    return status;
  }

 private:
  explicit Copy(std::string path) : path_(std::move(path)) {}

  /**
   * Whether it is the folder that was made. A user who may write to the folder around it can have put another one
   * there: one of their own, to put a link into the way of the copy, or that of another session, which will soon be
   * theirs.
   */
  [[nodiscard]] Status check() const {
    // Before its owner is looked at. Not every file system locks a folder (NFS).
    if (::flock(top_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return last_error(kStep, "flock", path_);
    struct stat own{};
    if (::fstat(top_.get(), &own) != 0) return last_error(kStep, "fstat", path_);
    if (own.st_uid == ::geteuid() && (own.st_mode & (S_IRWXG | S_IRWXO)) == 0) return {};
    return refused(EPERM, path_, "it is open to others");
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
