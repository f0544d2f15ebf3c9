#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <ctime>

#include "state/descriptor_path.h"
#include "state/file_state.h"

namespace buildjail {

namespace {

constexpr std::int64_t kSecond = 1000000000;

std::int64_t in_ns(const struct statx_timestamp& time) { return time.tv_sec * kSecond + time.tv_nsec; }

std::optional<FileState> state_at(int directory, const char* name, int flags) {
  constexpr unsigned kWanted = STATX_BASIC_STATS | STATX_MNT_ID;
  struct statx found{};
  if (::statx(directory, name, flags | AT_SYMLINK_NOFOLLOW, kWanted, &found) != 0) return std::nullopt;
  FileState state{.dev = (std::uint64_t{found.stx_dev_major} << 32U) | found.stx_dev_minor,
                  .ino = found.stx_ino,
                  .mount = found.stx_mnt_id,
                  .mode = found.stx_mode,
                  .uid = found.stx_uid,
                  .gid = found.stx_gid,
                  .links = found.stx_nlink,
                  .changed_ns = in_ns(found.stx_ctime),
                  .flags = 0,
                  .is_encrypted = (found.stx_attributes & STATX_ATTR_ENCRYPTED) != 0,
                  .is_sealed = (found.stx_attributes & STATX_ATTR_VERITY) != 0};
  if ((found.stx_mask & STATX_MNT_ID) == 0) state.mount = state.dev;
  return state;
}

/** No flag keeps anybody from a file that an owner of it could set (ioctl_iflags(2)). Root is kept out by no mode. */
bool is_shut(const FileState& file) {
  return S_ISDIR(file.mode) && (file.mode & S_IRWXU) != S_IRWXU && ::geteuid() != 0;
}

}  // namespace

std::optional<FileState> state_of(int fd) { return state_at(fd, "", AT_EMPTY_PATH); }
std::optional<FileState> state_in(int directory, const char* name) {
  return state_at(directory, name, AT_NO_AUTOMOUNT);
}

// fchmod(2) refuses a descriptor of O_PATH, and fchmodat2(2) is younger than the kernels that this runs on.
bool set_mode(int fd, mode_t mode) { return ::chmod(DescriptorPath(fd).get(), mode) == 0; }

bool set_owner(int fd, uid_t uid, gid_t gid) { return ::fchownat(fd, "", uid, gid, AT_EMPTY_PATH) == 0; }

bool open_up(int fd, const FileState& file) {
  return !is_shut(file) || set_mode(fd, (file.mode & ~mode_t{S_IFMT}) | S_IRWXU);
}

bool shut_again(int fd, const FileState& before) {
  return !is_shut(before) || set_mode(fd, before.mode & ~mode_t{S_IFMT});
}

UniqueFd open_content(int fd) {
  return UniqueFd(::open(DescriptorPath(fd).get(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

std::int64_t file_time_now() {
  struct timespec now{};
  static_cast<void>(::clock_gettime(CLOCK_REALTIME_COARSE, &now));
  return now.tv_sec * kSecond + now.tv_nsec;
}

}  // namespace buildjail
