#include "linux/folder_modes.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "linux/caller_path.h"
#include "linux/system_call_filter.h"
#include "state/file_state.h"

namespace buildjail {

namespace {

/** AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH of fchmodat2(2). */
constexpr unsigned kNoFollow = 0x100, kEmptyPath = 0x1000;
constexpr mode_t kModeBits = 07777;

/** The arguments of one of the calls. */
struct ModeChange {
  int descriptor = kCallersDirectory;
  /** Empty if the call changes the file of the descriptor. */
  std::optional<std::uint64_t> path{};
  mode_t mode = 0;
  unsigned flags = 0;
};

std::string_view name_of(int number) {
  for (const RefusedCall& call : refused_calls()) {
    const int own = kOwnArchitecture == Architecture::kX8664 ? call.x86_64 : call.generic;
    if (call.is_told && own == number) return call.name;
  }
  return {};
}

// The kernel ignores the upper half of all but addresses.
std::optional<ModeChange> change_of(const CallNotice& notice) {
  const std::string_view name = name_of(notice.number);
  const auto& [a, b, c, d, e, f] = notice.arguments;
  const auto mode = [](std::uint64_t argument) { return static_cast<mode_t>(argument & kModeBits); };
  const auto descriptor = [](std::uint64_t argument) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(argument));
  };
  if (name == "chmod") return ModeChange{.path = a, .mode = mode(b)};
  if (name == "fchmod") return ModeChange{.descriptor = descriptor(a), .mode = mode(b)};
  if (name == "fchmodat") return ModeChange{.descriptor = descriptor(a), .path = b, .mode = mode(c)};
  if (name == "fchmodat2")
    return ModeChange{.descriptor = descriptor(a), .path = b, .mode = mode(c), .flags = static_cast<std::uint32_t>(d)};
  return std::nullopt;
}

// A file system in memory, an overlay too, is one device.
bool is_in_memory(int folder) {
  struct statfs system{};
  return ::fstatfs(folder, &system) == 0 && (system.f_type == TMPFS_MAGIC || system.f_type == OVERLAYFS_SUPER_MAGIC);
}

class FolderModes {
 public:
  FolderModes(SetGroupIdFolders& folders, BorrowedRights& rights) : folders_(folders), rights_(rights) {}

  int answer(const CallNotice& notice) {
    const auto change = change_of(notice);
    if (!change) return EPERM;
    if ((change->flags & ~(kNoFollow | kEmptyPath)) != 0) return EINVAL;
    // Only in a call with a path does that number stand for the working directory.
    if (!change->path && change->descriptor == kCallersDirectory) return EBADF;
    const auto caller = rights_of(notice.thread);
    CallerFolders folders{.root = pin_root(notice.thread), .start = {}};
    if (!caller || !folders.root) return EPERM;
    CallersPath path;
    if (change->path) path = read_path(notice.thread, *change->path);
    if (path.err != 0) return path.err;
    const bool is_of_descriptor = !change->path || (path.path.empty() && (change->flags & kEmptyPath) != 0);
    // An absolute path does not use the descriptor, which may be invalid.
    if (!path.path.starts_with('/')) {
      auto start = pin_descriptor(notice.thread, change->descriptor);
      if (!start.file) return start.err == EBADF ? EBADF : EPERM;
      folders.start = std::move(start.file);
    }
    // If the call still waits, everything above was its caller's, and not that of a later thread with the same number.
    if (!notice.is_waiting()) return EPERM;
    // defence: notices-by-callers-rights
    if (!rights_.take(caller->rights)) return EPERM;
    // Also for a descriptor of O_PATH, which fchmod(2) refuses: C libraries then take the path in proc(5), where this
    // follows no link.
    if (is_of_descriptor) return set(folders.start.get(), change->mode, *caller);
    const Pinned found = look_up(folders, std::move(path.path), (change->flags & kNoFollow) == 0);
    return found.file ? set(found.file.get(), change->mode, *caller) : found.err;
  }

 private:
  int set(int file, mode_t mode, const CallerRights& caller) {
    const auto found = state_of(file);
    if (!found) return EPERM;
    if (S_ISLNK(found->mode)) return EOPNOTSUPP;
    // defence: set-gid-only-on-folders
    if (!S_ISDIR(found->mode)) return EPERM;
    if (!rights_.take(caller.over(*found))) return EPERM;
    folders_.add(*found, is_in_memory(file));
    return set_mode(file, mode) ? 0 : errno;
  }

  SetGroupIdFolders& folders_;
  BorrowedRights& rights_;
};

}  // namespace

AnswerCall answer_folder_modes(std::shared_ptr<SetGroupIdFolders> folders) {
  return [folders = std::move(folders)](const CallNotice& notice, BorrowedRights& rights) {
    return CallAnswer{.err = FolderModes(*folders, rights).answer(notice)};
  };
}

bool sets_group_id(const CallNotice& notice) {
  const auto change = change_of(notice);
  return change && (change->mode & (S_ISUID | S_ISGID)) == S_ISGID;
}

}  // namespace buildjail
