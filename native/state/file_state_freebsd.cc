#include <sys/types.h>
#include <fcntl.h>
#include <sys/acl.h>
#include <sys/extattr.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <ctime>
#include <iterator>
#include <memory>
#include <type_traits>

#include "state/file_state.h"

namespace buildjail {

namespace {

constexpr std::int64_t kSecond = 1000000000;

std::int64_t in_ns(const struct timespec& time) { return time.tv_sec * kSecond + time.tv_nsec; }

FileState state_from(const struct stat& found) {
  return {.dev = static_cast<std::uint64_t>(found.st_dev),
          .ino = found.st_ino,
          .mount = static_cast<std::uint64_t>(found.st_dev),
          .mode = found.st_mode,
          .uid = found.st_uid,
          .gid = found.st_gid,
          .links = found.st_nlink,
          .changed_ns = in_ns(found.st_ctim),
          .flags = static_cast<std::uint32_t>(found.st_flags)};
}

/** The file system sets UF_ARCHIVE by itself. A build cannot set the superuser's flags (jail(8), allow.chflags). */
constexpr std::uint32_t kOwnersFlags = UF_SETTABLE & ~std::uint32_t{UF_ARCHIVE};

bool set_flags(int fd, std::uint32_t flags) { return ::chflagsat(fd, "", flags, AT_EMPTY_PATH) == 0; }

constexpr const char* kStep = "hand-back";
constexpr std::string_view kUser = "user.";
constexpr const char* kWhole = "acl.nfs4";
constexpr const char* kAccess = "acl.access";
constexpr const char* kDefault = "acl.default";

struct FreeList {
  void operator()(acl_t list) const noexcept { static_cast<void>(::acl_free(list)); }
};
using List = std::unique_ptr<std::remove_pointer_t<acl_t>, FreeList>;

bool is_refusal(int err) {
  return err == EPERM || err == EACCES || err == EOPNOTSUPP || err == EROFS || err == EINVAL || err == EMLINK ||
         err == ELOOP || err == ENXIO;
}

/** The result of a call, by errno. Adds `what` to `stays`, and is no error, if the kernel refuses for good. */
Status settled(bool is_done, const char* call, std::string_view what, std::vector<std::string>& stays) {
  if (is_done) return {};
  if (!is_refusal(errno)) return last_error(kStep, call);
  stays.emplace_back(what);
  return {};
}

/** The type of lists that the file system of a directory has; -1 for none. */
int lists_at(int directory) {
  if (::fpathconf(directory, _PC_ACL_NFS4) > 0) return ACL_TYPE_NFS4;
  if (::fpathconf(directory, _PC_ACL_EXTENDED) > 0) return ACL_TYPE_ACCESS;
  return -1;
}

bool has_more_than_mode(acl_t list) {
  int is_trivial = 1;
  return ::acl_is_trivial_np(list, &is_trivial) == 0 && is_trivial == 0;
}

bool is_empty(acl_t list) {
  acl_entry_t first = nullptr;
  return ::acl_get_entry(list, ACL_FIRST_ENTRY, &first) != 1;
}

/** The names of all attributes, without the prefix. Empty with errno set. */
std::optional<std::vector<std::string>> attributes_on(int fd) {
  std::string bytes(1024, '\0');
  for (;;) {
    const ssize_t size = ::extattr_list_fd(fd, EXTATTR_NAMESPACE_USER, bytes.data(), bytes.size());
    if (size < 0) return std::nullopt;
    if (static_cast<std::size_t>(size) < bytes.size()) {
      bytes.resize(static_cast<std::size_t>(size));
      break;
    }
    // The call does not report names that did not fit (extattr(2)).
    bytes.resize(bytes.size() * 8);
  }
  std::vector<std::string> names;
  // Each entry is the length of a name in one byte, and then the name without a NUL.
  for (std::size_t at = 0; at < bytes.size();) {
    const auto length = static_cast<unsigned char>(bytes[at]);
    names.push_back(bytes.substr(at + 1, length));
    at += 1 + std::size_t{length};
  }
  return names;
}

std::optional<std::string> value_of(int fd, const std::string& name) {
  const ssize_t size = ::extattr_get_fd(fd, EXTATTR_NAMESPACE_USER, name.c_str(), nullptr, 0);
  if (size < 0) return std::nullopt;
  std::string value(static_cast<std::size_t>(size), '\0');
  const ssize_t got = ::extattr_get_fd(fd, EXTATTR_NAMESPACE_USER, name.c_str(), value.data(), value.size());
  if (got < 0) return std::nullopt;
  value.resize(static_cast<std::size_t>(got));
  return value;
}

std::string text_of(acl_t list) {
  const std::unique_ptr<char, decltype([](char* text) { static_cast<void>(::acl_free(text)); })> text(
      ::acl_to_text_np(list, nullptr, ACL_TEXT_NUMERIC_IDS));
  return text ? std::string(text.get()) : std::string();
}

acl_type_t type_of(std::string_view name) {
  if (name == kWhole) return ACL_TYPE_NFS4;
  return name == kAccess ? ACL_TYPE_ACCESS : ACL_TYPE_DEFAULT;
}

bool is_list(const Mark& mark) { return !mark.name.starts_with(kUser); }

/** The lists of a file that say more than its mode; `type` is as lists_at() has it. */
Result<std::vector<Mark>> lists_on(int fd, int type, bool is_folder) {
  std::vector<Mark> marks;
  if (type < 0) return marks;
  const List list(::acl_get_fd_np(fd, type));
  if (!list) return last_error(kStep, "acl_get_fd_np");
  if (has_more_than_mode(list.get())) marks.push_back({type == ACL_TYPE_NFS4 ? kWhole : kAccess, text_of(list.get())});
  if (type == ACL_TYPE_NFS4 || !is_folder) return marks;
  const List given(::acl_get_fd_np(fd, ACL_TYPE_DEFAULT));
  if (!given) return last_error(kStep, "acl_get_fd_np");
  if (!is_empty(given.get())) marks.push_back({kDefault, text_of(given.get())});
  return marks;
}

/** Removes a list, and keeps the permissions of the mode. */
bool strip(int fd, acl_type_t type) {
  if (type == ACL_TYPE_DEFAULT) return ::acl_delete_fd_np(fd, type) == 0;
  const List list(::acl_get_fd_np(fd, type));
  if (!list) return false;
  const List plain(::acl_strip_np(list.get(), 0));
  return plain && ::acl_set_fd_np(fd, plain.get(), type) == 0;
}

bool put(int fd, const Mark& mark) {
  if (!is_list(mark)) {
    const char* const name = mark.name.c_str() + kUser.size();
    return ::extattr_set_fd(fd, EXTATTR_NAMESPACE_USER, name, mark.value.data(), mark.value.size()) >= 0;
  }
  const List list(::acl_from_text(mark.value.c_str()));
  return list && ::acl_set_fd_np(fd, list.get(), type_of(mark.name)) == 0;
}

const char* call_of(const Mark& mark) { return is_list(mark) ? "acl_set_fd_np" : "extattr_delete_fd"; }

bool remove(int fd, const Mark& mark) {
  if (is_list(mark)) return strip(fd, type_of(mark.name));
  return ::extattr_delete_fd(fd, EXTATTR_NAMESPACE_USER, mark.name.c_str() + kUser.size()) == 0;
}

}  // namespace

std::optional<FileState> state_of(int fd) {
  struct stat found{};
  return ::fstat(fd, &found) == 0 ? std::optional(state_from(found)) : std::nullopt;
}

std::optional<FileState> state_in(int directory, const char* name) {
  struct stat found{};
  const bool is_found = ::fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW) == 0;
  return is_found ? std::optional(state_from(found)) : std::nullopt;
}

bool set_mode(int fd, mode_t mode) { return ::fchmodat(fd, "", mode, AT_EMPTY_PATH) == 0; }

bool set_owner(int fd, uid_t uid, gid_t gid) { return ::fchownat(fd, "", uid, gid, AT_EMPTY_PATH) == 0; }

// Sessions on FreeBSD belong to root, and no mode keeps root out.
bool open_up(int fd, const FileState& file) {
  return (file.flags & kOwnersFlags) == 0 || set_flags(fd, file.flags & ~kOwnersFlags);
}

bool shut_again(int fd, const FileState& before) {
  return (before.flags & kOwnersFlags) == 0 || set_flags(fd, before.flags);
}

UniqueFd open_content(int fd) {
  return UniqueFd(::openat(fd, "", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | O_EMPTY_PATH));
}

// In whole seconds, because sysctl vfs.timestamp_precision may be set to them (getnanotime(9)).
Result<std::int64_t> file_time_now(const char* step) {
  struct timespec now{};
  if (::clock_gettime(CLOCK_REALTIME_FAST, &now) != 0) return last_error(step, "clock_gettime");
  return now.tv_sec * kSecond;
}

bool is_access_list(const Mark& mark) { return mark.name == kWhole || mark.name == kAccess; }

Result<std::vector<Mark>> marks_on(int directory) {
  std::vector<Mark> marks;
  const auto names = attributes_on(directory);
  if (!names && errno != EOPNOTSUPP) return last_error(kStep, "extattr_list_fd");
  for (const std::string& name : names ? *names : std::vector<std::string>()) {
    auto value = value_of(directory, name);
    if (!value) return last_error(kStep, "extattr_get_fd");
    marks.push_back({std::string(kUser) + name, std::move(*value)});
  }
  auto lists = lists_on(directory, lists_at(directory), true);
  if (!lists) return lists;
  std::ranges::move(*lists, std::back_inserter(marks));
  return marks;
}

Status restore_marks(int directory, const std::vector<Mark>& before, std::vector<std::string>& stays) {
  const auto found = marks_on(directory);
  if (!found) return found.error();
  for (const Mark& mark : *found) {
    const bool was_there = std::ranges::find(before, mark.name, &Mark::name) != before.end();
    if (was_there) continue;
    if (auto status = settled(remove(directory, mark), call_of(mark), mark.name, stays); !status) return status;
  }
  for (const Mark& mark : before) {
    if (std::ranges::find(*found, mark) != found->end()) continue;
    if (auto status = settled(put(directory, mark), call_of(mark), mark.name, stays); !status) return status;
  }
  return {};
}

MarkTaker::MarkTaker(int top, const std::vector<Mark>&) { system_.lists = lists_at(top); }

Status MarkTaker::take(int fd, FileState& file, std::vector<std::string>& stays) {
  // Flags first: with some of them nothing else of a file can be changed.
  auto status = take_flags(fd, file, stays);
  if (status) status = take_attributes(fd, file, stays);
  return status ? take_lists(fd, file, stays) : status;
}

Status MarkTaker::take_flags(int fd, const FileState& file, std::vector<std::string>& stays) {
  return settled(open_up(fd, file), "chflagsat", "file flags", stays);
}

Status MarkTaker::take_attributes(int fd, FileState&, std::vector<std::string>& stays) {
  if (!system_.has_attributes) return {};
  const auto names = attributes_on(fd);
  if (!names) {
    system_.has_attributes = errno != EOPNOTSUPP;
    return system_.has_attributes ? last_error(kStep, "extattr_list_fd") : Status();
  }
  for (const std::string& name : *names) {
    const bool is_gone = ::extattr_delete_fd(fd, EXTATTR_NAMESPACE_USER, name.c_str()) == 0;
    if (auto status = settled(is_gone, "extattr_delete_fd", std::string(kUser) + name, stays); !status) return status;
  }
  return {};
}

Status MarkTaker::take_lists(int fd, FileState& file, std::vector<std::string>& stays) {
  if (S_ISLNK(file.mode)) return {};
  const auto lists = lists_on(fd, system_.lists, S_ISDIR(file.mode));
  // Not every kind of file has one; every folder has.
  if (!lists && !S_ISDIR(file.mode) && is_refusal(lists.error().err)) return {};
  if (!lists) return lists.error();
  if (lists->empty()) return {};
  // A descriptor of O_PATH is enough to read a list, and not to set it. A socket cannot be opened.
  const UniqueFd opened(::openat(fd, "", O_RDONLY | O_NONBLOCK | O_EMPTY_PATH | O_CLOEXEC));
  const auto take_one = [&opened](const Mark& list) { return remove(opened.get(), list); };
  const bool is_taken = opened && std::ranges::all_of(*lists, take_one);
  if (!is_taken) return settled(false, opened ? "acl_set_fd_np" : "openat", "an access control list", stays);
  // The group bits of the mode were the mask of the list, and are the group's own entry now (acl(3)).
  const auto now = state_of(opened.get());
  if (!now) return last_error(kStep, kStateCall);
  const mode_t narrow = now->mode & (~mode_t{S_IRWXG} | file.mode);
  if (narrow != now->mode && !set_mode(fd, narrow & ~S_IFMT)) return last_error(kStep, kModeCall);
  file.mode = narrow;
  return {};
}

}  // namespace buildjail
