#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "base/unique_fd.h"

namespace buildjail {

/** A file as the kernel has it, whatever its kind. */
struct FileState {
  std::uint64_t dev = 0;
  std::uint64_t ino = 0;
  /** Linux: of the mount that it was found in (statx(2), STATX_MNT_ID). Elsewhere the device. */
  std::uint64_t mount = 0;
  mode_t mode = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  std::uint64_t links = 0;
  /** Of the last change of its inode, in nanoseconds since 1970. No process can set it. */
  std::int64_t changed_ns = 0;
  /** FreeBSD: as chflags(2) has them. */
  std::uint32_t flags = 0;
  /** Linux: an encryption policy is on it (fscrypt), or its content is sealed (fs-verity). */
  bool is_encrypted = false;
  bool is_sealed = false;
};

/** The calls behind the functions below, for errors. */
#ifdef __linux__
inline constexpr const char* kStateCall = "statx";
inline constexpr const char* kNamedStateCall = kStateCall;
inline constexpr const char* kModeCall = "chmod";
inline constexpr const char* kContentCall = "open";
#else
inline constexpr const char* kStateCall = "fstat";
inline constexpr const char* kNamedStateCall = "fstatat";
inline constexpr const char* kModeCall = "fchmodat";
inline constexpr const char* kContentCall = "openat";
#endif
inline constexpr const char* kOwnerCall = "fchownat";

/** Of a descriptor, of O_PATH too. Nothing with errno set where the kernel says no. */
std::optional<FileState> state_of(int fd);
/** Of what a directory has by that name now, a symbolic link itself. Nothing with errno set. */
std::optional<FileState> state_in(int directory, const char* name);
/** The mode of what a descriptor of O_PATH has; false with errno set. Not of a symbolic link. */
bool set_mode(int fd, mode_t mode);
/** The owner, of any kind of file, a symbolic link itself; false with errno set. */
bool set_owner(int fd, uid_t uid, gid_t gid);

/**
 * A folder, or something in it, that a build shut or put flags on: its owner's flags are off, and who is not root may
 * enter and change a folder of theirs. False with errno set.
 */
bool open_up(int fd, const FileState& file);
/** Mode and flags are again as they were before. */
bool shut_again(int fd, const FileState& before);

/** The content of a regular file that a descriptor of O_PATH has. None with errno set where it may not be read. */
UniqueFd open_content(int fd);

/** Now, by the clock that file systems take their times from, in nanoseconds since 1970. */
std::int64_t file_time_now();

}  // namespace buildjail
