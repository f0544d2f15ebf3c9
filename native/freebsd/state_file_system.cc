#include "freebsd/state_file_system.h"

#include <sys/param.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string_view>

#include "base/back_off.h"
#include "base/tolerated.h"
#include "freebsd/mounts.h"
#include "state/files.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "state-directory";
/** unmount(2) may have to wait for programs that are using it. */
constexpr std::chrono::milliseconds kUnmountBound{10000};
/** Of two that mount at once, the second sees the first one's very soon. */
constexpr std::chrono::milliseconds kMountBound{1000};

/**
 * The mark of a tmpfs(5) of ours, which cannot have a name of its own (f_mntfromname is always its type's). All of
 * these flags suit it, because it has neither programs nor links, and no other tmpfs has all of them by chance.
 */
constexpr std::uint64_t kFlags = MNT_NOSUID | MNT_NOEXEC | MNT_NOSYMFOLLOW | MNT_NOATIME;

bool is_of_ours(const struct statfs& mounted) {
  return std::string_view(mounted.f_fstypename) == "tmpfs" && (mounted.f_flags & kFlags) == kFlags;
}

SysError known_elsewhere(const std::string& path, const std::string& on) {
  return {.step = kStep,
          .syscall = "nmount",
          .err = EINVAL,
          .path = path,
          .dest = on,
          .detail = "what is mounted there is '" + on +
                    "' to the kernel; its path must be the one from the root of the host, without links, and no "
                    "folder around it may have been renamed since"};
}

Status mount_at(const std::string& path) {
  const Tolerated quicker("another process was quicker to mount the state directory", EBUSY);
  const Tolerated meanwhile("another process mounted it while the kernel looked it up", ENOENT);
  auto options = file_system("tmpfs", path);
  options.add_flag("nocover");
  return nmount_options(options, static_cast<int>(kFlags), kStep, path);
}

/** Whether another process mounted on the directory at the same time. */
bool is_overtaken(const SysError& error) {
  // The other mount was there already (mount(8), nocover), or it came between the two times that the kernel looks up
  // the path. The second time finds renamed directories (vfs_domount, vn_path_to_global_path).
  return error.err == EBUSY || error.err == ENOENT;
}

/** The error of a mount that other programs overtook until the bound. */
SysError refusal_of(const std::string& path, SysError error) {
  if (error.err != EBUSY) return error;
  struct statfs mounted{};
  if (::statfs(path.c_str(), &mounted) != 0) return last_error(kStep, "statfs", path);
  return known_elsewhere(path, mounted.f_mntonname);
}

std::string lock_file_of(const std::string& path) { return path + ".lock"; }

SysError not_own(const std::string& path, const char* detail) {
  return {.step = kStep, .syscall = "fstat", .err = EPERM, .path = path, .detail = detail};
}

Result<struct stat> state_of(const UniqueFd& file, const std::string& path) {
  struct stat found{};
  if (::fstat(file.get(), &found) != 0) return last_error(kStep, "fstat", path);
  return found;
}

// Another program may have mounted it, and a tmpfs takes owner and mode of the directory that it covers.
Status refuse_unless_private(const UniqueFd& directory, const std::string& path) {
  const auto found = state_of(directory, path);
  if (!found) return found.error();
  if (found->st_uid == ::geteuid() && (found->st_mode & (S_IRWXG | S_IRWXO)) == 0) return {};
  return not_own(path, "what is mounted at the state directory must be the caller's own, mode 0700");
}

/** Whether it still is the file of that name. If not, other programs lock another file, and this lock is worth nothing.
 */
Result<bool> is_named(const UniqueFd& file, const std::string& path) {
  const auto held = state_of(file, path);
  if (!held) return held.error();
  struct stat named{};
  if (::lstat(path.c_str(), &named) == 0) return held->st_dev == named.st_dev && held->st_ino == named.st_ino;
  if (errno == ENOENT) return false;
  return last_error(kStep, "lstat", path);
}

}  // namespace

Result<StateFileSystem> StateFileSystem::lock_beside(const std::string& path, int flags) {
  const std::string file = lock_file_of(path);
  BackOff back_off(kUnmountBound);
  auto locked = lock_file(kStep, file, flags, LOCK_SH);
  while (!locked && locked.error().err == EWOULDBLOCK && back_off.wait())
    locked = lock_file(kStep, file, flags, LOCK_SH);
  if (!locked) return std::move(locked.error());
  const auto found = state_of(*locked, file);
  if (!found) return found.error();
  // Others can make a file of that name if they can write to the directory around it. It is not removed either.
  if (!S_ISREG(found->st_mode) || found->st_uid != ::geteuid() || found->st_nlink != 1)
    return not_own(file, "the file beside the state directory must be a file of the caller's own");
  return StateFileSystem(path, std::move(*locked));
}

Result<StateFileSystem> StateFileSystem::hold(const std::string& path) {
  auto locked = lock_beside(path, O_RDWR | O_CREAT);
  if (!locked) return locked;
  StateFileSystem& held = *locked;
  BackOff back_off(kMountBound);
  for (;;) {
    const auto is_mounted = held.find_mounted();
    if (!is_mounted) return is_mounted.error();
    if (*is_mounted) return locked;
    if (auto status = make_private_directory(path); !status) return std::move(status.error());
    auto status = mount_at(path);
    // The mount of another program does as well, unless it has another name: then it stays there.
    if (!status && is_overtaken(status.error()) && back_off.wait()) continue;
    if (!status) return refusal_of(path, std::move(status.error()));
    if (status = held.take_new(); !status) return std::move(status.error());
  }
}

Result<std::optional<StateFileSystem>> StateFileSystem::hold_mounted(const std::string& path) {
  auto locked = lock_beside(path, O_RDWR);
  if (!locked && locked.error().err == ENOENT) return std::optional<StateFileSystem>();
  if (!locked) return std::move(locked.error());
  const auto is_mounted = locked->find_mounted();
  if (!is_mounted) return is_mounted.error();
  if (!*is_mounted) return std::optional<StateFileSystem>();
  return std::optional(std::move(*locked));
}

Result<bool> StateFileSystem::find_mounted() {
  UniqueFd root(::open(path_.c_str(), kReadFolder));
  if (!root && errno == ENOENT) return false;
  if (!root) return last_error(kStep, "open", path_);
  struct statfs mounted{};
  if (::fstatfs(root.get(), &mounted) != 0) return last_error(kStep, "fstatfs", path_);
  if (path_ != mounted.f_mntonname) return false;
  if (auto status = refuse_unless_private(root, path_); !status) return std::move(status.error());
  root_ = std::move(root);
  if (is_of_ours(mounted)) fsid_ = fsid_text(mounted.f_fsid);
  return true;
}

Status StateFileSystem::take_new() {
  struct statfs mounted{};
  const bool is_seen = ::statfs(path_.c_str(), &mounted) == 0;
  if (is_seen && path_ == mounted.f_mntonname) {
    fsid_ = fsid_text(mounted.f_fsid);
    return {};
  }
  // Neither a program that holds it nor a recovery would find it there.
  SysError error = is_seen ? known_elsewhere(path_, mounted.f_mntonname) : last_error(kStep, "statfs", path_);
  static_cast<void>(unmount_target(is_seen ? fsid_text(mounted.f_fsid) : path_, 0));
  return error;
}

StateFileSystem::~StateFileSystem() {
  try {
    static_cast<void>(release());
  } catch (...) {  // NOLINT(bugprone-empty-catch): no memory is left to report it
  }
}

Status StateFileSystem::release(std::chrono::milliseconds bound) {
  if (!lock_) return {};
  // The shared lock goes first: two programs that leave at once would otherwise block each other.
  if (::flock(lock_.get(), LOCK_UN) != 0) return last_error(kStep, "flock", path_);
  root_.reset();
  BackOff back_off(bound);
  bool is_alone = false;
  do {
    is_alone = ::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0;
    if (!is_alone && errno != EWOULDBLOCK) return last_error(kStep, "flock", path_);
  } while (!is_alone && back_off.wait());
  // Otherwise the program that still has it does this when it leaves.
  if (is_alone) {
    if (auto status = unmount_if_empty(); !status) return status;
  }
  fsid_.clear();
  lock_.reset();
  return {};
}

Status StateFileSystem::unmount_if_empty() {
  const std::string file = lock_file_of(path_);
  const auto has_name = is_named(lock_, file);
  if (!has_name) return has_name.error();
  if (!*has_name) return {};
  if (!fsid_.empty()) {
    auto names = names_in(path_);
    if (!names) return names.error();
    std::erase(*names, kEmpty);
    // These are sessions for a recovery.
    if (!names->empty()) return {};
    auto status = unmount_target(fsid_, 0);
    // EBUSY: another program is looking around in there, and it stays for the next session. ENOENT: another program
    // unmounted it.
    if (!status && status.error().err == EBUSY) return {};
    if (!status && status.error().err != ENOENT) return status;
  }
  if (::unlink(file.c_str()) != 0 && errno != ENOENT) return last_error(kStep, "unlink", file);
  return {};
}

}  // namespace buildjail
