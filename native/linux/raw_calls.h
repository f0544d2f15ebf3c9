#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

// Calls that C libraries wrap late or never, or wrap in what must not be: glibc's setresuid(2) signals every thread of
// the process to do the same (nptl(7)), which in a child that shares our memory would be the threads of the host
// program. Numbers above 423 are the same everywhere but on alpha; they are here for headers older than the kernel.

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

/** struct mnt_id_req of listmount(2). */
struct MountRequest {
  std::uint32_t size = sizeof(MountRequest);
  std::uint32_t spare = 0;
  std::uint64_t mount = 0;
  std::uint64_t after = 0;
};

/** LSMT_ROOT: all that lie below the root of the caller. */
inline constexpr std::uint64_t kRootMount = ~std::uint64_t{0};

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
inline constexpr std::uint64_t kResolveNoMagicLinks = 0x2;
inline constexpr std::uint64_t kResolveNoLinks = 0x4;
inline constexpr std::uint64_t kResolveBeneath = 0x8;
inline constexpr unsigned kFsCloseOnExec = 0x1;
inline constexpr unsigned kFsSetFlag = 0;
inline constexpr unsigned kFsSetString = 1;
inline constexpr unsigned kFsCreate = 6;

inline int call(long result) { return static_cast<int>(result); }

inline int open_tree(int directory, const char* path, unsigned flags) {
  return call(::syscall(428, directory, path, flags));
}
/** A copy of what is mounted at an open file, not mounted anywhere; `recursive` is kRecursive or 0. */
inline int copy_mount(int file, unsigned recursive = 0) {
  return open_tree(file, "", kTreeClone | kTreeCloseOnExec | kEmptyPath | recursive);
}
/** From a descriptor of a tree to a path below the working directory. */
inline int move_mount(int tree, int directory, const char* path) {
  return call(::syscall(429, tree, "", directory, path, kMoveFromEmptyPath));
}
/** Onto what a descriptor of O_PATH has. */
inline int move_mount_onto(int tree, int point) {
  return call(::syscall(429, tree, "", point, "", kMoveFromEmptyPath | kMoveToEmptyPath));
}
/** Below the directory, through mounts but through no link. */
inline int open_below(int directory, const char* path, std::uint64_t flags) {
  const OpenHow how{.flags = flags, .mode = 0, .resolve = kResolveBeneath | kResolveNoLinks | kResolveNoMagicLinks};
  return call(::syscall(437, directory, path, &how, sizeof(how)));
}
inline int fsopen(const char* type) { return call(::syscall(430, type, kFsCloseOnExec)); }
inline int fsconfig(int fs, unsigned command, const char* key, const char* value) {
  return call(::syscall(431, fs, command, key, value, 0));
}
inline int fsmount(int fs, std::uint64_t attributes) { return call(::syscall(432, fs, kFsCloseOnExec, attributes)); }
inline int pidfd_open(pid_t pid) { return call(::syscall(434, pid, 0)); }
inline int pidfd_send_signal(int pidfd, int signal) { return call(::syscall(424, pidfd, signal, nullptr, 0)); }
/** Of close_range(2): in a table of the caller's own, which before was another process's as well. */
constexpr unsigned kCloseRangeUnshare = 2;
inline int close_range(unsigned first, unsigned last = ~0U, unsigned flags = 0) {
  return call(::syscall(436, first, last, flags));
}
inline int mount_setattr(int tree, unsigned flags, const MountAttributes& attributes) {
  return call(::syscall(442, tree, "", kEmptyPath | flags, &attributes, sizeof(attributes)));
}
/** How many there are, of at most `room`. */
inline long listmount(const MountRequest& request, std::uint64_t* ids, std::size_t room) {
  return ::syscall(458, &request, ids, room, 0);
}
inline int pivot_root(const char* new_root, const char* put_old) {
  return call(::syscall(SYS_pivot_root, new_root, put_old));
}
inline int execveat(int fd, char* const* argv, char* const* environment) {
  return call(::syscall(SYS_execveat, fd, "", argv, environment, kEmptyPath));
}

// 32-bit systems have calls of 16-bit ids under the plain names (setresuid(2), C library/kernel differences).
#ifdef SYS_setresuid32
inline constexpr long kSetresuid = SYS_setresuid32, kSetresgid = SYS_setresgid32, kSetgroups = SYS_setgroups32;
#else
inline constexpr long kSetresuid = SYS_setresuid, kSetresgid = SYS_setresgid, kSetgroups = SYS_setgroups;
#endif
// Real, effective and saved, all three: nothing is left to come back to.
inline int leave_user(uid_t uid) { return call(::syscall(kSetresuid, uid, uid, uid)); }
inline int leave_group(gid_t gid) { return call(::syscall(kSetresgid, gid, gid, gid)); }
inline int setgroups(std::size_t count, const gid_t* groups) { return call(::syscall(kSetgroups, count, groups)); }

}  // namespace buildjail::raw
