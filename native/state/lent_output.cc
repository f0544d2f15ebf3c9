#include "state/lent_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <iterator>
#include <utility>

#include "base/unique_fd.h"
#include "state/files.h"
#include "state/hand_back_files.h"
#include "state/set_group_id_folders.h"

namespace buildjail {

namespace {

constexpr mode_t kModeBits = 07777;
/**
 * A process outside the session may have a descriptor of a folder inside. The bound keeps it from making the closing
 * long.
 */
constexpr int kMostWalks = 4;

#ifdef UF_SETTABLE
// With some of these flags the kernel refuses fchown(2) and fchmod(2) to root too, or refuses to move the directory. A
// build cannot set flags of the superuser such as SF_IMMUTABLE (jail(8), allow.chflags; on Linux CAP_LINUX_IMMUTABLE).
// The file system itself sets UF_ARCHIVE.
constexpr std::uint32_t kOwnersFlags = UF_SETTABLE & ~std::uint32_t{UF_ARCHIVE};

std::uint32_t owners_flags(const struct stat& found) { return found.st_flags & kOwnersFlags; }

int set_owners_flags(int directory, const struct stat& now, std::uint32_t flags) {
  return ::fchflags(directory, (now.st_flags & ~kOwnersFlags) | flags);
}
#else
std::uint32_t owners_flags(const struct stat&) { return 0; }
int set_owners_flags(int, const struct stat&, std::uint32_t) { return 0; }
#endif

bool is_as_before(const struct stat& now, const LentOutput& before) {
  return now.st_uid == before.uid && now.st_gid == before.gid && (now.st_mode & kModeBits) == before.mode &&
         owners_flags(now) == before.flags;
}

Status restore_folders_marks(int directory, const LentOutput& before, std::vector<LeftInOutput>& left) {
  std::vector<std::string> stays;
  if (auto status = restore_marks(directory, before.marks, stays); !status) {
    status.error().path = before.path;
    return status;
  }
  for (std::string& what : stays) left.push_back({before.path, std::move(what)});
  return {};
}

/** Restores the files in the folder. `was_open`: other users could move them until a moment ago. */
Status restore_files(int directory, const NotedOutput& noted, const SetGroupIdFolders* set_group_id, bool was_open,
                     HandedBack& handed) {
  for (int walks = 1;; ++walks) {
    const std::size_t before = handed.changed;
    if (noted.lending.gives_owner || noted.lending.takes_marks) {
      if (auto status = hand_back_files(directory, noted, handed); !status) return status;
    } else if (set_group_id != nullptr && set_group_id->may_be_in(noted.before)) {
      // defence: set-gid-folders-lose-bit
      auto status = take_set_group_id(directory, noted, *set_group_id, handed.left, handed.changed);
      if (!status) return status;
    }
    const bool is_settled = handed.changed == before;
    if (walks == kMostWalks && !is_settled)
      handed.left.push_back({noted.before.path, "perhaps the owner of files that other users moved all the time"});
    // rename(2) looks up both folders before it moves anything. So another user's move may take effect after the folder
    // was shut, and move a file from a folder that the walk has not read yet into one that it has.
    // defence: folder-moved-late-is-found
    const int most_walks = was_open || handed.has_held ? kMostWalks : 1;
    if (walks >= most_walks || (walks > 1 && is_settled)) break;
    // The next walk reports them again.
    handed.left.clear();
  }
  return handed.has_held ? let_folders_go(directory, noted.before) : Status();
}

/** Takes away the marks of the build first, because the folder is shut to others until it has its mode. */
Status restore_folder(int directory, const NotedOutput& noted, std::vector<LeftInOutput>& left) {
  const LentOutput& before = noted.before;
  // defence: marks-build-put-folder
  if (noted.lending.takes_marks) {
    if (auto status = restore_folders_marks(directory, before, left); !status) return status;
  }
  struct stat now{};
  if (::fstat(directory, &now) != 0) return last_error(kHandBack, "fstat", before.path);
  const bool is_owner_changed = now.st_uid != before.uid || now.st_gid != before.gid;
  // defence: lent-folder-comes-back
  if (is_owner_changed && ::fchown(directory, before.uid, before.gid) != 0)
    return last_error(kHandBack, "fchown", before.path);
  // The build may have changed its mode as the owner. fchown(2) by root keeps set-id bits of a directory.
  const bool is_mode_changed = (now.st_mode & kModeBits) != before.mode;
  // defence: lent-folder-comes-back-2
  if (is_mode_changed && ::fchmod(directory, before.mode) != 0) return last_error(kHandBack, "fchmod", before.path);
  // Lending took its access list, and chmod(2) makes an NFSv4 one anew.
  if (!before.marks.empty()) {
    if (auto status = restore_folders_marks(directory, before, left); !status) return status;
  }
  if (owners_flags(now) != before.flags && set_owners_flags(directory, now, before.flags) != 0)
    return last_error(kHandBack, "fchflags", before.path);
  return {};
}

constexpr mode_t owners_only(mode_t mode) { return (mode & ~mode_t{S_IRWXG | S_IRWXO}) | S_IRWXU; }

/** Opens the folder even if a build has shut it to its owner, who is not root. Empty with errno set. */
UniqueFd open_lent(const LentOutput& before) {
  UniqueFd directory(::open(before.path.c_str(), kReadFolder));
  // defence: output-comes-back-though
  if (directory || errno != EACCES) return directory;
  const UniqueFd shut(::open(before.path.c_str(), kHoldFolder));
  const auto found = shut ? state_of(shut.get()) : std::nullopt;
  errno = EACCES;
  if (!found || found->ino != before.ino || !open_up(shut.get(), *found)) return directory;
  directory = UniqueFd(::openat(shut.get(), ".", kReadFolder));
  return directory;
}

}  // namespace

Result<bool> may_shut(uid_t uid, gid_t gid, mode_t mode) {
  if (::geteuid() == 0) return true;
  if (::geteuid() != uid) return false;
  if ((mode & S_ISGID) == 0) return true;
#ifdef __linux__
  std::vector<gid_t> groups(NGROUPS_MAX);
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  if (count < 0) return last_error({}, "getgroups");
  groups.resize(static_cast<std::size_t>(count));
  return ::getegid() == gid || std::ranges::find(groups, gid) != groups.end();
#else
  // Sessions on FreeBSD are root's.
  static_cast<void>(gid);
  return false;
#endif
}

Status shut_to_others(int directory, const LentOutput& before) {
  const mode_t shut = owners_only(before.mode);
  // defence: output-shut-others-host
  if (shut != before.mode && ::fchmod(directory, shut) != 0) return last_error({}, "fchmod", before.path);
  std::vector<Mark> others = before.marks;
  if (std::erase_if(others, is_access_list) == 0) return {};
  std::vector<std::string> stays;
  // defence: access-list-goes-while-lent
  auto status = restore_marks(directory, others, stays);
  if (status && !stays.empty())
    status =
        SysError{.step = {}, .syscall = "removexattr", .err = EPERM, .detail = "it has an access list, which stays"};
  if (!status) {
    status.error().step.clear();
    status.error().path = before.path;
    return status;
  }
  // Without its list, a folder may have the group's entry in its mode (acl(3)).
  return ::fchmod(directory, shut) == 0 ? Status() : last_error({}, "fchmod", before.path);
}

Result<LentOutput> lent_output(const std::string& path, int directory) {
  struct stat found{};
  if (::fstat(directory, &found) != 0) return last_error({}, "fstat", path);
  auto marks = marks_on(directory);
  if (!marks) {
    marks.error().step.clear();
    marks.error().path = path;
    return std::move(marks.error());
  }
  const auto now = file_time_now("");
  if (!now) return now.error();
  return LentOutput{.path = path,
                    .dev = static_cast<std::uint64_t>(found.st_dev),
                    .ino = found.st_ino,
                    .uid = found.st_uid,
                    .gid = found.st_gid,
                    .mode = static_cast<mode_t>(found.st_mode & kModeBits),
                    .flags = owners_flags(found),
                    .since_ns = *now,
                    .marks = std::move(*marks)};
}

Status restore(int directory, const NotedOutput& noted, std::vector<LeftInOutput>& left, std::size_t& changed,
               const SetGroupIdFolders* set_group_id) {
  const LentOutput& before = noted.before;
  struct stat now{};
  if (::fstat(directory, &now) != 0) return last_error(kHandBack, "fstat", before.path);
  if (!is_as_before(now, before)) ++changed;
  // defence: lent-folder-comes-back-3
  if (owners_flags(now) != 0 && set_owners_flags(directory, now, 0) != 0)
    return last_error(kHandBack, "fchflags", before.path);
  // The build may have shut the folder to its owner, who is not root; and opened it to others, who could move its
  // folders under the walk.
  const mode_t mode = now.st_mode & kModeBits;
  const auto may = may_shut(now.st_uid, now.st_gid, mode);
  if (!may) return may.error();
  const bool was_open = *may && mode != owners_only(mode);
  // defence: output-shut-before-walk
  if (was_open && ::fchmod(directory, owners_only(mode)) != 0) return last_error(kHandBack, "fchmod", before.path);
  // The folder comes back after its last file, so that no other user can enter it meanwhile.
  HandedBack handed;
  auto status = restore_files(directory, noted, set_group_id, was_open, handed);
  std::ranges::move(handed.left, std::back_inserter(left));
  changed += handed.changed;
  return status ? restore_folder(directory, noted, left) : std::move(status);
}

bool is_changed(const LentOutput& before) {
  struct stat now{};
  if (::lstat(before.path.c_str(), &now) != 0) return false;
  return now.st_ino == before.ino && static_cast<std::uint64_t>(now.st_dev) == before.dev && !is_as_before(now, before);
}

Result<HandBack> hand_back(const NotedOutput& noted, std::vector<LeftInOutput>& left) {
  const LentOutput& before = noted.before;
  const UniqueFd directory = open_lent(before);
  if (!directory) {
    if (is_no_such_file(errno)) return HandBack::kLost;
    return last_error(kHandBack, "open", before.path);
  }
  struct stat now{};
  if (::fstat(directory.get(), &now) != 0) return last_error(kHandBack, "fstat", before.path);
  if (now.st_ino != before.ino || static_cast<std::uint64_t>(now.st_dev) != before.dev) return HandBack::kLost;
  const bool is_lent = noted.lending.ids.contains(now.st_uid) || (noted.lending.is_store && now.st_uid == ::geteuid());
  if (!is_lent && now.st_uid != before.uid) return HandBack::kNothingToDo;
  std::size_t changed = 0;
  if (auto status = restore(directory.get(), noted, left, changed); !status) return std::move(status.error());
  return changed == 0 ? HandBack::kNothingToDo : HandBack::kDone;
}

}  // namespace buildjail
