#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace buildjail {

// Folders and small files of the host.

/** Whether a call that follows no link found no file there, or a link, or another kind of file. */
inline bool is_no_such_file(int err) { return err == ENOENT || err == ENOTDIR || err == ELOOP || err == EMLINK; }

/** The error of a call that has just failed to open a folder and follows no link. Reads errno. */
SysError folder_not_opened(const char* step, const char* call, const std::string& path);

/**
 * Opens a folder below another one, as a descriptor below which others can be opened. Follows no link. Empty, with
 * errno set, if there is none or a link is on the way. `path` is below `top`, with or without a slash in front.
 */
UniqueFd folder_below(int top, std::string_view path);

/**
 * Makes a folder in another one, and locks it (flock(2)). No other user can enter it. A user who may write to the
 * folder around it can put another one in its place: that is refused with EPERM, or with EWOULDBLOCK if it is one of
 * ours. `path` is for errors.
 */
Result<UniqueFd> make_private_folder(const char* step, int around, const std::string& name, const std::string& path);

/**
 * Makes a folder and the missing folders above it, as the caller and with the caller's umask. `existing` exists and has
 * no links in it; `missing` is a path below it. Uses folders that exist by now, but follows no link. After a failure
 * the folders that were made stay.
 */
Result<struct stat> make_folder(const std::string& existing, std::string_view missing);

/**
 * Opens a file with `flags` (open(2)) and locks it for as long as the descriptor, or a copy of it, is open (flock(2)).
 * Then checks that the file still has that name, because the holder before may just have removed it. EWOULDBLOCK if
 * another process has the lock, ENOENT if there is no such file. `kind` is LOCK_EX or LOCK_SH. `is_empty`, if given,
 * tells whether it has no content, and so no holder.
 */
Result<UniqueFd> lock_file(const char* step, const std::string& path, int flags, int kind = LOCK_EX,
                           bool* is_empty = nullptr);

/** Removes a locked file if it is empty, and so has no holder. */
void remove_if_empty(const UniqueFd& locked, const std::string& path);

/** The whole content of a file. */
Result<std::string> read_file(const char* step, const std::string& path, int fd);

/** Writes to a file, by one write(2). ENOSPC if that wrote less. Appends where it was opened with O_APPEND. */
Status append(const char* step, const std::string& path, int fd, std::string_view text);

// Small text files: those of proc(5) and of cgroups, each of which says one thing, and those in /etc.

/** More flags of open(2), for a file in whose place another user may have put a link or a fifo. */
inline constexpr int kUnfollowed = O_NOFOLLOW | O_NONBLOCK;
Result<std::string> read_text_file(const char* step, const std::string& path, int flags = 0);
Status write_text_file(const char* step, const std::string& path, std::string_view text);

// These are empty if the file is missing or does not have the value.

std::optional<std::string> text_of(const std::string& path);
/** The number at the beginning of the file. */
std::optional<std::uint64_t> number_in(const std::string& path);
/** The number after a word, of a file with one word and its number a line. */
std::optional<std::uint64_t> number_after(const std::string& path, std::string_view word);

/** Checks the folders around paths, each folder once. */
class Surroundings {
 public:
  /**
   * EPERM if another user could put another folder in the place of `path`: it is a symbolic link or not the caller's
   * own, or others can change a folder around it. A sticky folder such as /tmp is safe, because no other user can
   * rename the caller's files in it (chmod(2), S_ISVTX). `path` is absolute and may be missing; the folders around it
   * exist.
   */
  Status refuse_exposed(const std::string& path);
  /** EPERM if others can change a folder around `path`. Does not look at `path` itself. */
  Status refuse_changeable(const std::string& path);

 private:
  /** Folders in which others can exchange nothing. */
  std::vector<std::string> safe_;
};

/** Makes a directory of mode 0700, or accepts one that is the caller's own and has that mode. */
Status make_private_directory(const std::string& path);

/**
 * The folder of a state directory in which `file` and `folder` are empty, and nobody may write to either. Sessions show
 * them in the place of what they exclude (src/spec/excluded.ts).
 */
inline constexpr std::string_view kEmpty = "empty";
std::string empty_in(const std::string& state_directory);
/** Makes it if it is missing. */
Status make_empty(const std::string& state_directory);

/** The names in a state directory. */
struct StateDirectory {
  /** The ids of sessions that have an entry, a root or both. */
  std::vector<std::string> sessions;
  /** Files that no version of this package puts there. */
  std::vector<std::string> others;
};

/** Whether there is one. EPERM if it is not the caller's own and private, or others could exchange it. */
Result<bool> is_state_directory(const std::string& path);

/** Empty if it is missing. */
Result<StateDirectory> read_state_directory(const std::string& path);

/** The names in a directory, without `.` and `..`. */
Result<std::vector<std::string>> names_in(const std::string& path);

/**
 * The one directory for the leases of all sessions that a user opens on this host, whatever their state directories and
 * environments.
 */
std::string host_directory_of(uid_t user);
/**
 * The caller's own. Makes it if it is missing. EPERM if it is not private, or if another user could exchange it: in
 * /tmp any user can take its name, and then only root can remove that.
 */
Result<std::string> host_directory(Surroundings& around);

}  // namespace buildjail
