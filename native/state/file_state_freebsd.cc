#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>

#include "state/file_state.h"

namespace buildjail {

namespace {

constexpr std::int64_t kSecond = 1000000000;

std::int64_t in_ns(const struct timespec& time) { return time.tv_sec * kSecond + time.tv_nsec; }

FileState state_from(const struct stat& found) {
  return {.dev = static_cast<std::uint64_t>(found.st_dev),
          .ino = found.st_ino,
          .mount = static_cast<std::uint64_t>(found.st_dev),
          .mode = found.st_mode,
          .uid = found.st_uid,
          .gid = found.st_gid,
          .links = found.st_nlink,
          .changed_ns = in_ns(found.st_ctim),
          .flags = static_cast<std::uint32_t>(found.st_flags)};
}

/** UF_ARCHIVE is the file system's own. The superuser's flags, no build has a way to set (jail(8), allow.chflags). */
constexpr std::uint32_t kOwnersFlags = UF_SETTABLE & ~std::uint32_t{UF_ARCHIVE};

bool set_flags(int fd, std::uint32_t flags) { return ::chflagsat(fd, "", flags, AT_EMPTY_PATH) == 0; }

}  // namespace

std::optional<FileState> state_of(int fd) {
  struct stat found{};
  return ::fstat(fd, &found) == 0 ? std::optional(state_from(found)) : std::nullopt;
}

std::optional<FileState> state_in(int directory, const char* name) {
  struct stat found{};
  const bool is_found = ::fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW) == 0;
  return is_found ? std::optional(state_from(found)) : std::nullopt;
}

bool set_mode(int fd, mode_t mode) { return ::fchmodat(fd, "", mode, AT_EMPTY_PATH) == 0; }

bool set_owner(int fd, uid_t uid, gid_t gid) { return ::fchownat(fd, "", uid, gid, AT_EMPTY_PATH) == 0; }

// Sessions are root's here, whom no mode keeps out.
bool open_up(int fd, const FileState& file) {
  return (file.flags & kOwnersFlags) == 0 || set_flags(fd, file.flags & ~kOwnersFlags);
}

bool shut_again(int fd, const FileState& before) {
  return (before.flags & kOwnersFlags) == 0 || set_flags(fd, before.flags);
}

UniqueFd open_content(int fd) {
  return UniqueFd(::openat(fd, "", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | O_EMPTY_PATH));
}

// By whole seconds, which is what sysctl vfs.timestamp_precision may be set to (getnanotime(9)).
std::int64_t file_time_now() {
  struct timespec now{};
  static_cast<void>(::clock_gettime(CLOCK_REALTIME_FAST, &now));
  return now.tv_sec * kSecond;
}

}  // namespace buildjail
