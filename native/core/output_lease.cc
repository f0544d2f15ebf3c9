#include "core/output_lease.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

namespace buildjail {

namespace {

constexpr const char* kStep = "output-lease";
constexpr mode_t kPrivate = 0600;
constexpr mode_t kModeBits = 07777;

/** False when it was removed meanwhile, by the one who had it. */
Result<bool> lock_if_named(const UniqueFd& fd, const std::string& path, const std::string& source) {
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return last_error(kStep, "flock", source);
  struct stat locked{};
  struct stat named{};
  if (::fstat(fd.get(), &locked) != 0) return last_error(kStep, "fstat", path);
  if (::lstat(path.c_str(), &named) == 0) return named.st_ino == locked.st_ino && named.st_dev == locked.st_dev;
  if (errno == ENOENT) return false;
  return last_error(kStep, "lstat", path);
}

// The lock file of a directory is named after its device and file number, so two names of one directory meet. Whoever
// locks it checks that it is still the file of that name: the one before may just have removed it.
Result<UniqueFd> lock_file(const std::string& path, const std::string& source) {
  for (;;) {
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, kPrivate));
    if (!fd) return last_error(kStep, "open", path);
    auto locked = lock_if_named(fd, path, source);
    if (locked && *locked) return fd;
    if (locked) continue;
    auto error = std::move(locked.error());
    if (error.err == EWOULDBLOCK) {
      error.err = EBUSY;
      error.detail = "another live session writes there";
      return error;
    }
    // What was made for it goes, if it is nobody's by now.
    locked = lock_if_named(fd, path, source);
    if (locked && *locked) static_cast<void>(::unlink(path.c_str()));
    return error;
  }
}

}  // namespace

Result<OutputLease> OutputLease::take(const std::string& state_directory, const Bind& bind, UniqueFd directory) {
  std::string path = state_directory + "/writable-" + std::to_string(bind.dev) + "-" + std::to_string(bind.ino);
  auto locked = lock_file(path, bind.source);
  if (!locked) return std::move(locked.error());
  return OutputLease(std::move(directory), std::move(*locked), std::move(path), bind.source);
}

OutputLease::~OutputLease() {
  if (!lock_) return;
  static_cast<void>(hand_back());
  static_cast<void>(::unlink(lock_path_.c_str()));
}

Status OutputLease::remember() {
  if (::fstat(directory_.get(), &before_) != 0) return last_error("hand-over", "fstat", source_);
  is_remembered_ = true;
  return {};
}

Status OutputLease::hand_over(const BuildUser& user) {
  if (auto status = remember(); !status) return status;
  // Root writes anywhere, and an owner can write already.
  if (user.uid == 0 || before_.st_uid == user.uid) return {};
  if (::fchown(directory_.get(), user.uid, user.gid) != 0) return last_error("hand-over", "fchown", source_);
  return {};
}

Status OutputLease::hand_back() {
  if (!is_remembered_) return {};
  struct stat now{};
  if (::fstat(directory_.get(), &now) != 0) return last_error("hand-back", "fstat", source_);
  const bool is_owner_changed = now.st_uid != before_.st_uid || now.st_gid != before_.st_gid;
  if (is_owner_changed && ::fchown(directory_.get(), before_.st_uid, before_.st_gid) != 0)
    return last_error("hand-back", "fchown", source_);
  // The build owned it and may have changed its mode; fchown(2) by root keeps set-id bits of a directory.
  const bool is_mode_changed = (now.st_mode & kModeBits) != (before_.st_mode & kModeBits);
  if (is_mode_changed && ::fchmod(directory_.get(), before_.st_mode & kModeBits) != 0)
    return last_error("hand-back", "fchmod", source_);
  is_remembered_ = false;
  return {};
}

Status OutputLease::end() {
  if (!lock_) return {};
  if (auto status = hand_back(); !status) return status;
  if (::unlink(lock_path_.c_str()) != 0 && errno != ENOENT) return last_error("hand-back", "unlink", lock_path_);
  lock_.reset();
  return {};
}

}  // namespace buildjail
