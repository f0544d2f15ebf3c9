#include "freebsd/parts/nested.h"

#include <sys/param.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "freebsd/child.h"
#include "freebsd/mounts.h"
#include "state/files.h"

namespace buildjail {

namespace {

constexpr const char* kPointStep = "mount-point";

/** Makes a folder, or an empty file, for the build user, unless something has that name. */
Status make_one(int folder, const std::string& name, bool is_file, const BuildUser& user) {
  constexpr mode_t kFolderMode = 0755;
  constexpr mode_t kFileMode = 0444;
  constexpr int kNewFile = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd made;
  if (is_file) {
    made = UniqueFd(::openat(folder, name.c_str(), kNewFile, kFileMode));
    if (!made) return errno == EEXIST ? Status() : last_error(kPointStep, "openat");
  } else {
    if (::mkdirat(folder, name.c_str(), kFolderMode) != 0)
      return errno == EEXIST ? Status() : last_error(kPointStep, "mkdirat");
    made = UniqueFd(::openat(folder, name.c_str(), kReadFolder));
    if (!made) return last_error(kPointStep, "openat");
  }
  if (::fchown(made.get(), user.uid, user.gid) != 0) return last_error(kPointStep, "fchown");
  // The umask is the host program's, and not ours to change.
  return ::fchmod(made.get(), is_file ? kFileMode : kFolderMode) == 0 ? Status() : last_error(kPointStep, "fchmod");
}

}  // namespace

Result<UniqueFd> open_below(const std::string& root, std::string_view target) {
  const UniqueFd top(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!top) return last_error(kPointStep, "open", root);
  const std::size_t last = target.rfind('/');
  UniqueFd at = folder_below(top.get(), target.substr(0, last));
  const std::string name(target.substr(last + 1));
  if (at && !name.empty()) at = UniqueFd(::openat(at.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat found{};
  if (at && ::fstat(at.get(), &found) != 0) return last_error(kPointStep, "fstat", std::string(target));
  // A link itself is opened too (open(2), O_PATH with O_NOFOLLOW).
  if (at && S_ISLNK(found.st_mode)) {
    at.reset();
    errno = ELOOP;
  }
  if (at) return at;
  auto error = last_error(kPointStep, "openat", std::string(target));
  if (error.err == ENOTDIR || error.err == EMLINK || error.err == ELOOP)
    error.detail = "the mount point, or a folder on the way there, is a symbolic link or no folder by now";
  return error;
}

Status mount_in(int point, IovecList& options, int flags, const Bind& bind) {
  // Nothing is added by the child, which must not allocate.
  options.add_errmsg();
  auto status = in_child("nmount", [&options, point, flags]() -> const char* {
    if (::fchdir(point) != 0) return "fchdir";
    return options.call(::nmount, flags) == 0 ? nullptr : "nmount";
  });
  if (status) return {};
  SysError& error = status.error();
  if (error.syscall == "fchdir") error.step = kPointStep;
  if (error.syscall == "nmount") error.detail = options.errmsg();
  error.path = bind.source;
  error.dest = bind.target;
  return status;
}

Result<std::string> newest_below(const std::string& root) {
  const auto mounted = mounted_list();
  if (!mounted) return mounted.error();
  const std::string within = root + "/";
  std::string newest;
  for (const auto& one : *mounted) {
    if (std::string_view(one.f_mntonname).starts_with(within)) newest = fsid_text(one.f_fsid);
  }
  if (!newest.empty()) return newest;
  errno = ENOENT;
  return last_error("nmount", "getfsstat", root);
}

bool shows_its_point(const Bind& outer, const Bind& inner) {
  const std::string at = (outer.source == "/" ? "" : outer.source) + "/" + std::string(mount_point_in(outer, inner));
  return inner.source == at;
}

Status make_point_in_copy(const std::string& root, const Bind& outer, const Bind& inner, const BuildUser& user) {
  auto at = open_below(root, outer.target);
  if (!at) return std::move(at.error());
  for (std::string_view way = mount_point_in(outer, inner); !way.empty();) {
    const std::string name(cut(way, '/'));
    auto status = make_one(at->get(), name, inner.is_file && way.empty(), user);
    if (!status) {
      status.error().path = inner.target;
      return status;
    }
    if (way.empty()) break;
    *at = UniqueFd(::openat(at->get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!*at) return folder_not_opened(kPointStep, "openat", inner.target);
  }
  return {};
}

}  // namespace buildjail
