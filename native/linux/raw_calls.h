#pragma once

#include <sys/types.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

// Calls that C libraries wrap late or never. Numbers above 423 are the same everywhere but on alpha; they are here for
// headers older than the kernel.

namespace buildjail::raw {

/** struct mount_attr of mount_setattr(2). */
struct MountAttributes {
  std::uint64_t set = 0;
  std::uint64_t clear = 0;
  std::uint64_t propagation = 0;
  std::uint64_t userns_fd = 0;
};

/** struct open_how of openat2(2). */
struct OpenHow {
  std::uint64_t flags = 0;
  std::uint64_t mode = 0;
  std::uint64_t resolve = 0;
};

inline constexpr std::uint64_t kReadOnly = 0x1;
inline constexpr std::uint64_t kNoSuid = 0x2;
inline constexpr std::uint64_t kNoDev = 0x4;
inline constexpr std::uint64_t kNoExec = 0x8;
/** MOUNT_ATTR_IDMAP. */
inline constexpr std::uint64_t kIdMapped = 0x100000;

inline constexpr unsigned kEmptyPath = 0x1000;
inline constexpr unsigned kRecursive = 0x8000;
inline constexpr unsigned kTreeClone = 0x1;
inline constexpr unsigned kTreeCloseOnExec = 02000000;
inline constexpr unsigned kMoveFromEmptyPath = 0x4;
inline constexpr unsigned kMoveToEmptyPath = 0x40;
inline constexpr std::uint64_t kResolveNoOtherMount = 0x1;
inline constexpr std::uint64_t kResolveNoMagicLinks = 0x2;
inline constexpr std::uint64_t kResolveNoLinks = 0x4;
inline constexpr std::uint64_t kResolveBeneath = 0x8;
inline constexpr unsigned kFsCloseOnExec = 0x1;
inline constexpr unsigned kFsSetFlag = 0;
inline constexpr unsigned kFsSetString = 1;
inline constexpr unsigned kFsCreate = 6;

inline int call(long result) { return static_cast<int>(result); }

/** Copies what is mounted at a path, without mounting the copy; `recursive` is kRecursive or 0. Follows no last link.
 */
inline int copy_mount_of(const char* path, unsigned recursive) {
  constexpr unsigned kNoFollow = 0x100;
  constexpr unsigned kNoAutomount = 0x800;
  return call(::syscall(428, -1, path, kTreeClone | kTreeCloseOnExec | kNoFollow | kNoAutomount | recursive));
}
/** Moves a tree, by its descriptor, to a path below the working directory. */
inline int move_mount(int tree, int directory, const char* path) {
  return call(::syscall(429, tree, "", directory, path, kMoveFromEmptyPath));
}
inline int fsopen(const char* type) { return call(::syscall(430, type, kFsCloseOnExec)); }
inline int fsconfig(int fs, unsigned command, const char* key, const char* value) {
  return call(::syscall(431, fs, command, key, value, 0));
}
inline int fsmount(int fs, std::uint64_t attributes) { return call(::syscall(432, fs, kFsCloseOnExec, attributes)); }
inline int pidfd_open(pid_t pid) { return call(::syscall(434, pid, 0)); }
inline int pidfd_send_signal(int pidfd, int signal) { return call(::syscall(424, pidfd, signal, nullptr, 0)); }
/** Of all descriptors from `first` on. */
inline int close_range(unsigned first) { return call(::syscall(436, first, ~0U, 0)); }
inline int mount_setattr(int tree, unsigned flags, const MountAttributes& attributes) {
  return call(::syscall(442, tree, "", kEmptyPath | flags, &attributes, sizeof(attributes)));
}
inline int openat2(int directory, const char* path, const OpenHow& how) {
  return call(::syscall(437, directory, path, &how, sizeof(how)));
}
inline int pivot_root(const char* new_root, const char* put_old) {
  return call(::syscall(SYS_pivot_root, new_root, put_old));
}
inline int execveat(int fd, char* const* argv, char* const* environment) {
  return call(::syscall(SYS_execveat, fd, "", argv, environment, kEmptyPath));
}

}  // namespace buildjail::raw
