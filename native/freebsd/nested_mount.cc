#include "freebsd/nested_mount.h"

#include <sys/param.h>
#include <sys/mount.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "freebsd/mounts.h"
#include "launch/vfork_child.h"
#include "state/folder.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "mount-point";

struct Mounting {
  int point;
  iovec* options;
  unsigned int count;
  int flags;
  const char* step = "nmount";
  const char* syscall = "vfork";
  int err = ECANCELED;
};

void run(void* context) {
  auto& mounting = *static_cast<Mounting*>(context);
  const auto is_done = [&mounting](const char* syscall, int result) {
    mounting.syscall = result == 0 ? nullptr : syscall;
    mounting.err = result == 0 ? 0 : errno;
    return result == 0;
  };
  // What is no folder cannot be gone to.
  mounting.step = kStep;
  if (is_done("fchdir", ::fchdir(mounting.point))) {
    mounting.step = "nmount";
    static_cast<void>(is_done("nmount", ::nmount(mounting.options, mounting.count, mounting.flags)));
  }
  ::_exit(0);
}

}  // namespace

Result<UniqueFd> open_below(const std::string& root, std::string_view target) {
  const UniqueFd top(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!top) return last_error(kStep, "open", root);
  const std::size_t last = target.rfind('/');
  UniqueFd at = folder_below(top.get(), target.substr(0, last));
  const std::string name(target.substr(last + 1));
  if (at && !name.empty()) at = UniqueFd(::openat(at.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat found{};
  if (at && ::fstat(at.get(), &found) != 0) return last_error(kStep, "fstat", std::string(target));
  // A link itself is opened too (open(2), O_PATH with O_NOFOLLOW).
  if (at && S_ISLNK(found.st_mode)) {
    at.reset();
    errno = ELOOP;
  }
  if (at) return at;
  auto error = last_error(kStep, "openat", std::string(target));
  if (error.err == ENOTDIR || error.err == EMLINK || error.err == ELOOP)
    error.detail = "the mount point, or a folder on the way there, is a symbolic link or no folder by now";
  return error;
}

Status mount_in(int point, IovecList& options, int flags, const std::string& source, const std::string& target) {
  Mounting mounting{.point = point, .options = options.data(), .count = options.size(), .flags = flags};
  const pid_t child = vfork_child(run, &mounting);
  if (child < 0) return last_error("nmount", "vfork", source);
  reap(child);
  if (mounting.syscall == nullptr) return {};
  return SysError{.step = mounting.step,
                  .syscall = mounting.syscall,
                  .err = mounting.err,
                  .path = source,
                  .dest = target,
                  .detail = options.errmsg()};
}

Result<std::string> newest_below(const std::string& root) {
  const auto mounted = MountedList::read();
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

}  // namespace buildjail
