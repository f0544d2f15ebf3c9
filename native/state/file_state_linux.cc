#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>

#include "base/text.h"
#include "state/file_state.h"

namespace buildjail {

namespace {

constexpr std::int64_t kSecond = 1000000000;

std::int64_t in_ns(const struct statx_timestamp& time) { return time.tv_sec * kSecond + time.tv_nsec; }

std::optional<FileState> state_at(int directory, const char* name, int flags) {
  constexpr unsigned kWanted = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID;
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
                  .born_ns = (found.stx_mask & STATX_BTIME) != 0 ? in_ns(found.stx_btime) : 0,
                  .flags = 0,
                  .is_encrypted = (found.stx_attributes & STATX_ATTR_ENCRYPTED) != 0,
                  .is_sealed = (found.stx_attributes & STATX_ATTR_VERITY) != 0};
  if ((found.stx_mask & STATX_MNT_ID) == 0) state.mount = state.dev;
  return state;
}

/** Flags that an owner can set keep no user from a file (ioctl_iflags(2)). No mode keeps root out. */
bool is_shut(const FileState& file) {
  return S_ISDIR(file.mode) && (file.mode & S_IRWXU) != S_IRWXU && ::geteuid() != 0;
}

constexpr const char* kStep = "hand-back";
constexpr std::string_view kAccess = "system.posix_acl_access";
constexpr std::string_view kDefault = "system.posix_acl_default";
/** Marks that are no attributes; no attribute has such a name. */
constexpr std::string_view kFlags = "flags";
constexpr std::string_view kProject = "project";
constexpr std::string_view kEncrypted = "encryption policy";
constexpr std::string_view kFlagsInWords = "flags of its inode";
constexpr std::string_view kProjectInWords = "the project of its inode";

/** The flags that an owner may set (ioctl_iflags(2)). The last two need a capability that no build has. */
constexpr unsigned kOwnersFlags = FS_SECRM_FL | FS_UNRM_FL | FS_COMPR_FL | FS_SYNC_FL | FS_NODUMP_FL | FS_NOATIME_FL |
                                  FS_NOCOMP_FL | FS_DIRSYNC_FL | FS_NOTAIL_FL | FS_TOPDIR_FL | FS_NOCOW_FL | FS_DAX_FL |
                                  FS_PROJINHERIT_FL | FS_CASEFOLD_FL | FS_IMMUTABLE_FL | FS_APPEND_FL;

bool is_mark(std::string_view name) {
  return name.starts_with("user.") || name == kAccess || name == kDefault || name == "security.capability";
}

/** The kernel refuses for good: another try fails too. */
bool is_refusal(int err) {
  return err == EPERM || err == EACCES || err == EOPNOTSUPP || err == EROFS || err == EINVAL || err == ENOTEMPTY ||
         err == ENOKEY || err == EWOULDBLOCK;
}

/** The result of a call, by errno. Adds `what` to `stays`, and is no error, if the kernel refuses for good. */
Status settled(bool is_done, const char* call, std::string_view what, std::vector<std::string>& stays) {
  if (is_done) return {};
  if (!is_refusal(errno)) return last_error(kStep, call);
  stays.emplace_back(what);
  return {};
}

/** The file system has no such feature (ioctl(2), ERRORS). */
bool is_unknown(int err) { return err == ENOTTY || err == EOPNOTSUPP || err == ENOSYS || err == EINVAL; }

/** The names of all attributes, each with a NUL at its end. Empty with errno set. */
std::optional<std::string> names_on(const char* path) {
  std::array<char, 1024> few{};
  ssize_t size = ::listxattr(path, few.data(), few.size());
  if (size >= 0) return std::string(few.data(), static_cast<std::size_t>(size));
  if (errno != ERANGE) return std::nullopt;
  std::string many(XATTR_LIST_MAX, '\0');
  size = ::listxattr(path, many.data(), many.size());
  if (size < 0) return std::nullopt;
  many.resize(static_cast<std::size_t>(size));
  return many;
}

std::optional<std::string> value_of(const char* path, const char* name) {
  const ssize_t size = ::getxattr(path, name, nullptr, 0);
  if (size < 0) return std::nullopt;
  std::string value(static_cast<std::size_t>(size), '\0');
  const ssize_t got = ::getxattr(path, name, value.data(), value.size());
  if (got < 0) return std::nullopt;
  value.resize(static_cast<std::size_t>(got));
  return value;
}

/**
 * The permissions of a file's group by its access list. The mode has the mask of the list in their place (acl(5)). The
 * list is a version and entries of tag, permissions and id (linux/posix_acl_xattr.h), little endian.
 */
mode_t group_of_list(std::string_view list) {
  constexpr std::size_t kHeader = 4;
  constexpr std::size_t kEntry = 8;
  constexpr unsigned kGroupEntry = 0x04;
  for (std::size_t at = kHeader; at + kEntry <= list.size(); at += kEntry) {
    const auto byte = [&](std::size_t offset) { return static_cast<unsigned char>(list[at + offset]); };
    if ((byte(0) | byte(1) << 8U) == kGroupEntry) return static_cast<mode_t>((byte(2) & 07U) << 3U);
  }
  return 0;
}

std::optional<unsigned> flags_of(int fd) {
  unsigned flags = 0;
  if (::ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0) return std::nullopt;
  return flags;
}

bool set_flags(int fd, unsigned flags) { return ::ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0; }

std::optional<struct fsxattr> project_of(int fd) {
  struct fsxattr found{};
  if (::ioctl(fd, FS_IOC_FSGETXATTR, &found) != 0) return std::nullopt;
  return found;
}

bool set_project(int fd, struct fsxattr found, std::uint64_t project) {
  found.fsx_projid = static_cast<unsigned>(project);
  return ::ioctl(fd, FS_IOC_FSSETXATTR, &found) == 0;
}

std::uint64_t number_of(const std::vector<Mark>& marks, std::string_view name) {
  const auto found = std::ranges::find(marks, name, &Mark::name);
  std::uint64_t number = 0;
  return found != marks.end() && read_number(found->value, number) ? number : 0;
}

/** The mode of a file may keep out an owner who is not root. It is changed for the attempt. False with errno set. */
template <class Attempt>
bool as_owner(int fd, const FileState& file, Attempt attempt) {
  if (attempt()) return true;
  const mode_t mode = file.mode & ~mode_t{S_IFMT};
  if (errno != EACCES || !set_mode(fd, mode | S_IRUSR | S_IWUSR)) return false;
  const bool is_done = attempt();
  const int why = errno;
  static_cast<void>(set_mode(fd, mode));
  errno = why;
  return is_done;
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

// Only a new file shows it: since Linux 6.13 a file that was looked at gets a finer time than CLOCK_REALTIME_COARSE
// has, and no file that changes later gets an earlier one (multigrain-ts.rst).
Result<std::int64_t> file_time_now(const char* step) {
  const UniqueFd file(::memfd_create("buildjail-time", MFD_CLOEXEC));
  if (!file) return last_error(step, "memfd_create");
  struct stat made{};
  if (::fstat(file.get(), &made) != 0) return last_error(step, "fstat");
  return made.st_ctim.tv_sec * kSecond + made.st_ctim.tv_nsec;
}

bool is_access_list(const Mark& mark) { return mark.name == kAccess; }

Result<std::vector<Mark>> marks_on(int directory) {
  std::vector<Mark> marks;
  const DescriptorPath path(directory);
  const auto names = names_on(path.get());
  if (!names && errno != EOPNOTSUPP) return last_error(kStep, "listxattr");
  for (std::string_view rest = names ? *names : std::string_view(); !rest.empty();) {
    std::string name(cut(rest, '\0'));
    if (!is_mark(name)) continue;
    auto value = value_of(path.get(), name.c_str());
    if (!value) return last_error(kStep, "getxattr");
    marks.push_back({std::move(name), std::move(*value)});
  }
  const auto flags = flags_of(directory);
  if (!flags && !is_unknown(errno)) return last_error(kStep, "ioctl");
  if (flags && (*flags & kOwnersFlags) != 0)
    marks.push_back({std::string(kFlags), std::to_string(*flags & kOwnersFlags)});
  if (flags && (*flags & FS_ENCRYPT_FL) != 0) marks.push_back({std::string(kEncrypted), {}});
  const auto project = flags ? project_of(directory) : std::nullopt;
  if (flags && !project && !is_unknown(errno)) return last_error(kStep, "ioctl");
  if (project && project->fsx_projid != 0)
    marks.push_back({std::string(kProject), std::to_string(project->fsx_projid)});
  return marks;
}

Status restore_marks(int directory, const std::vector<Mark>& before, std::vector<std::string>& stays) {
  const auto found = marks_on(directory);
  if (!found) return found.error();
  if (*found == before) return {};
  const DescriptorPath path(directory);
  const auto is_attribute = [](const Mark& mark) {
    return mark.name != kFlags && mark.name != kProject && mark.name != kEncrypted;
  };
  const std::uint64_t project = number_of(before, kProject);
  if (project != number_of(*found, kProject)) {
    const auto now = project_of(directory);
    const bool is_set = now && set_project(directory, *now, project);
    if (auto status = settled(is_set, "ioctl", kProjectInWords, stays); !status) return status;
  }
  const auto flags = static_cast<unsigned>(number_of(before, kFlags));
  if (flags != number_of(*found, kFlags)) {
    const auto now = flags_of(directory);
    const bool is_set = now && set_flags(directory, (*now & ~kOwnersFlags) | flags);
    if (auto status = settled(is_set, "ioctl", kFlagsInWords, stays); !status) return status;
  }
  for (const Mark& mark : *found) {
    const bool was_there = std::ranges::find(before, mark.name, &Mark::name) != before.end();
    if (mark.name == kEncrypted && !was_there) stays.emplace_back(kEncrypted);
    if (was_there || !is_attribute(mark)) continue;
    const bool is_gone = ::removexattr(path.get(), mark.name.c_str()) == 0;
    if (auto status = settled(is_gone, "removexattr", mark.name, stays); !status) return status;
  }
  for (const Mark& mark : before) {
    if (!is_attribute(mark) || std::ranges::find(*found, mark) != found->end()) continue;
    const bool is_set = ::setxattr(path.get(), mark.name.c_str(), mark.value.data(), mark.value.size(), 0) == 0;
    if (auto status = settled(is_set, "setxattr", mark.name, stays); !status) return status;
  }
  return {};
}

Status copy_marks(int from, const FileState& before, int to, const FileState& file) {
  const DescriptorPath source(from);
  const DescriptorPath path(to);
  const auto wanted = names_on(source.get());
  const auto own = wanted ? names_on(path.get()) : std::nullopt;
  if (!own) return errno == EOPNOTSUPP ? Status() : last_error(kStep, "listxattr");
  // Attributes of overlayfs are marks of its own layers.
  const auto is_copied = [](std::string_view name) {
    return name == kAccess || (name.starts_with("user.") && !name.starts_with("user.overlay."));
  };
  std::vector<std::string> kept;
  for (std::string_view rest = *wanted; !rest.empty();) {
    const std::string name(cut(rest, '\0'));
    if (!is_copied(name)) continue;
    std::optional<std::string> value;
    const auto read = [&] { return (value = value_of(source.get(), name.c_str())).has_value(); };
    if (!as_owner(from, before, read)) return last_error(kStep, "getxattr");
    const auto set = [&] { return ::setxattr(path.get(), name.c_str(), value->data(), value->size(), 0) == 0; };
    if (!as_owner(to, file, set)) return last_error(kStep, "setxattr");
    kept.push_back(name);
  }
  bool is_changed = !kept.empty();
  // A file that was made in a folder with a default list has one.
  for (std::string_view rest = *own; !rest.empty();) {
    const std::string name(cut(rest, '\0'));
    if (!is_copied(name) || std::ranges::find(kept, name) != kept.end()) continue;
    if (!as_owner(to, file, [&] { return ::removexattr(path.get(), name.c_str()) == 0; }))
      return last_error(kStep, "removexattr");
    is_changed = true;
  }
  // A list has set the permissions of the group (acl(5)).
  return !is_changed || set_mode(to, file.mode & ~mode_t{S_IFMT}) ? Status() : last_error(kStep, kModeCall);
}

MarkTaker::MarkTaker(int, const std::vector<Mark>& before) {
  system_.kept_flags = number_of(before, kFlags);
  if ((system_.kept_flags & FS_PROJINHERIT_FL) != 0) system_.project = number_of(before, kProject);
}

Status MarkTaker::take(int fd, FileState& file, std::vector<std::string>& stays) {
  if (S_ISLNK(file.mode)) return {};
  if (file.is_sealed) stays.emplace_back("fs-verity");
  // Flags first: with some of them nothing else of a file can be changed.
  auto status = take_flags(fd, file, stays);
  return status ? take_attributes(fd, file, stays) : status;
}

Status MarkTaker::take_attributes(int fd, FileState& file, std::vector<std::string>& stays) {
  if (!system_.has_attributes) return {};
  const DescriptorPath path(fd);
  const auto names = names_on(path.get());
  if (!names) {
    system_.has_attributes = errno != EOPNOTSUPP;
    // There are more names than the kernel can list.
    const bool is_too_long = errno == E2BIG;
    if (is_too_long) stays.emplace_back("extended attributes");
    return is_too_long || !system_.has_attributes ? Status() : last_error(kStep, "listxattr");
  }
  for (std::string_view rest = *names; !rest.empty();) {
    const std::string name(cut(rest, '\0'));
    if (!is_mark(name)) continue;
    if (name == kAccess) {
      const auto list = value_of(path.get(), name.c_str());
      const mode_t narrow = file.mode & (~mode_t{S_IRWXG} | (list ? group_of_list(*list) : 0));
      if (narrow != file.mode && !set_mode(fd, narrow & ~S_IFMT)) return last_error(kStep, kModeCall);
      file.mode = narrow;
    }
    const bool is_gone = as_owner(fd, file, [&] { return ::removexattr(path.get(), name.c_str()) == 0; });
    if (auto status = settled(is_gone, "removexattr", name, stays); !status) return status;
  }
  return {};
}

Status MarkTaker::take_flags(int fd, const FileState& file, std::vector<std::string>& stays) {
  if (!system_.has_flags || !(S_ISREG(file.mode) || S_ISDIR(file.mode))) return {};
  UniqueFd opened;
  static_cast<void>(as_owner(fd, file, [&] { return static_cast<bool>(opened = open_content(fd)); }));
  // An encrypted file without a key here is reported at the folder that has the policy.
  if (!opened && (errno == ENOKEY || file.is_encrypted)) return {};
  if (!opened) return settled(false, "open", "flags of its inode, if it has any", stays);
  if (system_.has_project) {
    const auto found = project_of(opened.get());
    if (!found && !is_unknown(errno)) return last_error(kStep, "ioctl");
    system_.has_project = found.has_value();
    const bool is_set =
        !found || found->fsx_projid == system_.project || set_project(opened.get(), *found, system_.project);
    if (auto status = settled(is_set, "ioctl", kProjectInWords, stays); !status) return status;
  }
  const auto flags = flags_of(opened.get());
  if (!flags && !is_unknown(errno)) return last_error(kStep, "ioctl");
  system_.has_flags = flags.has_value();
  if (!flags) return {};
  const auto taken = *flags & kOwnersFlags & ~static_cast<unsigned>(system_.kept_flags);
  const bool is_set = taken == 0 || set_flags(opened.get(), *flags & ~taken);
  return settled(is_set, "ioctl", kFlagsInWords, stays);
}

}  // namespace buildjail
