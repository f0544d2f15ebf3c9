#pragma once

#include <sys/types.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
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

/**
 * Linux: the name that /proc has for a descriptor. It leads to the very file that the descriptor has, whatever its kind
 * and wherever it is by now: no path is looked up (proc_pid_fd(5)). For calls that take no descriptor of O_PATH.
 */
class DescriptorPath {
 public:
  explicit DescriptorPath(int fd) noexcept {
    char* const digits = kFolder.copy(text_.data(), kFolder.size()) + text_.data();
    *std::to_chars(digits, text_.data() + text_.size() - 1, fd).ptr = '\0';
  }
  [[nodiscard]] const char* get() const noexcept { return text_.data(); }

 private:
  static constexpr std::string_view kFolder = "/proc/self/fd/";
  std::array<char, 32> text_{};
};

/**
 * What the owner of a file can put on it beyond its mode: access control lists, extended attributes, and on Linux flags
 * and the project of its inode. Flags of chflags(2) are not among them: they are in the state of a file.
 */
struct Mark {
  /** As the system names it. */
  std::string name;
  std::string value;

  bool operator==(const Mark&) const = default;
};

/** Those on a directory, by a descriptor that it was opened with. */
Result<std::vector<Mark>> marks_on(int directory);

/** The directory has these again, and no others. Adds to `stays`, in words, what the kernel does not take away. */
Status restore_marks(int directory, const std::vector<Mark>& before, std::vector<std::string>& stays);

/** Takes marks from the files of one output. */
class MarkTaker {
 public:
  /** `before` is what was on the output's own folder; flags that files inherit from it are none of the build's. */
  MarkTaker(int top, const std::vector<Mark>& before);

  /**
   * From what a descriptor of O_PATH has. Adds to `stays`, in words, what the kernel does not take away. The mode is
   * narrower afterwards where an access control list had narrowed it.
   */
  Status take(int fd, FileState& file, std::vector<std::string>& stays);

 private:
  Status take_attributes(int fd, FileState& file, std::vector<std::string>& stays);
  Status take_flags(int fd, const FileState& file, std::vector<std::string>& stays);
  Status take_lists(int fd, FileState& file, std::vector<std::string>& stays);

  /** What the file system has; it is not asked again where it has none. */
  struct FileSystem {
    bool has_attributes = true;
    bool has_flags = true;
    bool has_project = true;
    /** FreeBSD: which access control lists, as acl(3) numbers them; -1 for none. */
    int lists = -1;
    std::uint64_t kept_flags = 0;
    std::uint64_t project = 0;
  };

  FileSystem system_;
};

}  // namespace buildjail
