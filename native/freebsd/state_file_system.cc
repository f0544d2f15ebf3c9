#include "freebsd/state_file_system.h"

#include <sys/param.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "core/back_off.h"
#include "core/locked_file.h"
#include "core/state_directory.h"
#include "freebsd/iovec_list.h"
#include "freebsd/mounts.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "state-directory";
/** unmount(2) may have to wait for what goes on in there. */
constexpr std::chrono::milliseconds kUnmountBound{10000};

Status mount_at(const std::string& path) {
  IovecList options;
  options.add_string("fstype", "tmpfs");
  options.add_string("fspath", path);
  options.add_string("from", "tmpfs");
  options.add_flag("nocover");
  options.add_errmsg();
  auto status = nmount_options(options, MNT_NOSUID | MNT_NOEXEC, kStep, path);
  // Somebody else was quicker (mount(8), nocover): theirs is as good.
  return !status && status.error().err == EBUSY ? Status() : status;
}

std::string lock_file_of(const std::string& path) { return path + ".lock"; }

// Nothing keeps others from making a file of that name where the directory around it is not ours alone.
Status refuse_unless_own(const UniqueFd& file, const std::string& path) {
  struct stat found{};
  if (::fstat(file.get(), &found) != 0) return last_error(kStep, "fstat", path);
  if (S_ISREG(found.st_mode) && found.st_uid == ::geteuid() && found.st_nlink == 1) return {};
  return SysError{.step = kStep,
                  .syscall = "fstat",
                  .err = EPERM,
                  .path = path,
                  .dest = {},
                  .detail = "the file beside the state directory must be a file of the caller's own"};
}

/** Shared. What is being unmounted is waited for. */
Result<UniqueFd> lock_beside(const std::string& path, int flags) {
  const std::string file = lock_file_of(path);
  BackOff back_off(kUnmountBound);
  auto locked = lock_file(kStep, file, flags, LOCK_SH);
  while (!locked && locked.error().err == EWOULDBLOCK && back_off.wait())
    locked = lock_file(kStep, file, flags, LOCK_SH);
  if (!locked) return locked;
  if (auto status = refuse_unless_own(*locked, file); !status) return std::move(status.error());
  return locked;
}

}  // namespace

Result<StateFileSystem> StateFileSystem::hold(const std::string& path) {
  auto lock = lock_beside(path, O_RDWR | O_CREAT);
  if (!lock) return std::move(lock.error());
  StateFileSystem held(path, std::move(*lock));
  for (;;) {
    const auto is_mounted = held.find_mounted();
    if (!is_mounted) return is_mounted.error();
    if (*is_mounted) return held;
    if (auto status = make_private_directory(path); !status) return std::move(status.error());
    if (auto status = mount_at(path); !status) return std::move(status.error());
  }
}

Result<std::optional<StateFileSystem>> StateFileSystem::hold_mounted(const std::string& path) {
  auto lock = lock_beside(path, O_RDWR);
  if (!lock && lock.error().err == ENOENT) return std::optional<StateFileSystem>();
  if (!lock) return std::move(lock.error());
  StateFileSystem held(path, std::move(*lock));
  const auto is_mounted = held.find_mounted();
  if (!is_mounted) return is_mounted.error();
  if (!*is_mounted) return std::optional<StateFileSystem>();
  return std::optional(std::move(held));
}

Result<bool> StateFileSystem::find_mounted() {
  UniqueFd root(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!root && errno == ENOENT) return false;
  if (!root) return last_error(kStep, "open", path_);
  struct statfs mounted{};
  if (::fstatfs(root.get(), &mounted) != 0) return last_error(kStep, "fstatfs", path_);
  if (path_ != mounted.f_mntonname) return false;
  root_ = std::move(root);
  fsid_ = fsid_text(mounted.f_fsid);
  return true;
}

StateFileSystem::~StateFileSystem() {
  try {
    static_cast<void>(release());
  } catch (...) {  // NOLINT(bugprone-empty-catch): no memory to tell of it, and nobody to tell
  }
}

Status StateFileSystem::release(std::chrono::milliseconds bound) {
  if (!lock_) return {};
  // Shared no more before it is asked for alone: of two that leave at once, each would be in the other's way.
  if (::flock(lock_.get(), LOCK_UN) != 0) return last_error(kStep, "flock", path_);
  root_.reset();
  BackOff back_off(bound);
  bool is_alone = false;
  do {
    is_alone = ::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0;
    if (!is_alone && errno != EWOULDBLOCK) return last_error(kStep, "flock", path_);
  } while (!is_alone && back_off.wait());
  // Who has it as well does this when leaving.
  if (is_alone) {
    if (auto status = unmount_if_empty(); !status) return status;
  }
  fsid_.clear();
  lock_.reset();
  return {};
}

Status StateFileSystem::unmount_if_empty() {
  if (!fsid_.empty()) {
    const auto names = names_in(path_);
    if (!names) return names.error();
    // Of sessions that are for a recovery.
    if (!names->empty()) return {};
    auto status = unmount_target(fsid_, 0);
    // EBUSY: somebody who is none of ours looks around in there, and it stays for the next. ENOENT: it was taken away.
    if (!status && status.error().err == EBUSY) return {};
    if (!status && status.error().err != ENOENT) return status;
  }
  const std::string file = lock_file_of(path_);
  if (::unlink(file.c_str()) != 0 && errno != ENOENT) return last_error(kStep, "unlink", file);
  return {};
}

}  // namespace buildjail
