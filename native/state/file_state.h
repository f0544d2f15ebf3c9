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

/** The state of a file of any kind, as the kernel reports it. */
struct FileState {
  std::uint64_t dev = 0;
  std::uint64_t ino = 0;
  /** Linux: the mount that it lies in (statx(2), STATX_MNT_ID). Elsewhere the device. */
  std::uint64_t mount = 0;
  mode_t mode = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  std::uint64_t links = 0;
  /** The last change of its inode, in nanoseconds since 1970. No process can set it. */
  std::int64_t changed_ns = 0;
  /** Linux: its birth, likewise; 0 where the file system does not know it. */
  std::int64_t born_ns = 0;
  /** FreeBSD: the flags of chflags(2). */
  std::uint32_t flags = 0;
  /** Linux: it has an encryption policy (fscrypt), or its content is sealed (fs-verity). */
  bool is_encrypted = false;
  bool is_sealed = false;
};

/** The names of the calls below, for errors. */
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

/** The state of an open file; O_PATH is enough. Empty with errno set. */
std::optional<FileState> state_of(int fd);
/** The state of a file of a directory. Follows no link. Empty with errno set. */
std::optional<FileState> state_in(int directory, const char* name);
/** Sets the mode by a descriptor of O_PATH; not of a symbolic link. False with errno set. */
bool set_mode(int fd, mode_t mode);
/** Sets the owner of a file of any kind, of a symbolic link itself. False with errno set. */
bool set_owner(int fd, uid_t uid, gid_t gid);

/**
 * Opens a folder, or a file, that a build has shut or put flags on: takes off the owner's flags, and lets an owner who
 * is not root enter and change the folder. False with errno set.
 */
bool open_up(int fd, const FileState& file);
/** Restores mode and flags. */
bool shut_again(int fd, const FileState& before);

/** Opens the content of a regular file, by a descriptor of O_PATH. Empty with errno set. */
UniqueFd open_content(int fd);

/** The time that a file gets which changes now, in nanoseconds since 1970. */
Result<std::int64_t> file_time_now(const char* step);

/**
 * Linux: the path of a descriptor in /proc, for calls that take no descriptor of O_PATH. It leads to the very file of
 * the descriptor, wherever that is by now: no other path is looked up (proc_pid_fd(5)).
 */
class DescriptorPath {
 public:
  explicit DescriptorPath(int fd) {
    char* const digits = kFolder.copy(text_.data(), kFolder.size()) + text_.data();
    *std::to_chars(digits, text_.data() + text_.size() - 1, fd).ptr = '\0';
  }
  [[nodiscard]] const char* get() const noexcept { return text_.data(); }

 private:
  static constexpr std::string_view kFolder = "/proc/self/fd/";
  std::array<char, 32> text_{};
};

/**
 * A property that the owner of a file can add to it besides its mode: an access control list, an extended attribute,
 * and on Linux flags or the project of its inode. Flags of chflags(2) are no marks; they are in FileState.
 */
struct Mark {
  /** The name that the system uses. */
  std::string name;
  std::string value;

  bool operator==(const Mark&) const = default;
};

/** Whether it grants rights to users by name. */
bool is_access_list(const Mark& mark);

/** The marks on an open directory. */
Result<std::vector<Mark>> marks_on(int directory);

/** Gives a directory these marks and no others. Adds to `stays`, in words, marks that the kernel does not take away. */
Status restore_marks(int directory, const std::vector<Mark>& before, std::vector<std::string>& stays);

/**
 * Linux: gives a file the access list and the attributes of users (xattr(7)) of another file, and no others of these
 * kinds. Both are regular, and held by descriptors of O_PATH.
 */
Status copy_marks(int from, const FileState& before, int to, const FileState& file);

/** Takes marks from the files of one output. */
class MarkTaker {
 public:
  /** `before` are the marks of the output's own folder. Files inherit flags from it, which are not the build's. */
  MarkTaker(int top, const std::vector<Mark>& before);

  /**
   * Takes the marks of a file, by a descriptor of O_PATH. Adds to `stays`, in words, marks that the kernel does not
   * take away. If an access control list had narrowed the mode, the mode stays as narrow.
   */
  Status take(int fd, FileState& file, std::vector<std::string>& stays);

 private:
  Status take_attributes(int fd, FileState& file, std::vector<std::string>& stays);
  Status take_flags(int fd, const FileState& file, std::vector<std::string>& stays);
  Status take_lists(int fd, FileState& file, std::vector<std::string>& stays);

  /** The kinds of marks that the file system has. A kind that it lacks is not asked for again. */
  struct FileSystem {
    bool has_attributes = true;
    bool has_flags = true;
    bool has_project = true;
    /** FreeBSD: the type of its access control lists (acl(3)); -1 for none. */
    int lists = -1;
    std::uint64_t kept_flags = 0;
    std::uint64_t project = 0;
  };

  FileSystem system_;
};

}  // namespace buildjail
