#include "freebsd/pinned_source.h"

#include <sys/stat.h>

#include <fcntl.h>

#include <cerrno>

namespace buildjail {

namespace {

// A directory that others write to changes its times between two looks at it.
constexpr int kLooks = 8;

bool is_same_time(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

// nullfs(4) shows everything of the lower file but its device. That a file of another device looks the same cannot be
// arranged: its generation is the file system's choice, and its change time the clock's (stat(2)).
bool is_same_file(const struct stat& held, const struct stat& mounted) {
  return held.st_ino == mounted.st_ino && held.st_gen == mounted.st_gen && held.st_mode == mounted.st_mode &&
         held.st_uid == mounted.st_uid && held.st_gid == mounted.st_gid &&
         is_same_time(held.st_ctim, mounted.st_ctim) && is_same_time(held.st_birthtim, mounted.st_birthtim);
}

SysError stale(const std::string& source, const std::string& detail) {
  return {.step = "pin-source", .syscall = "fstat", .err = ESTALE, .path = source, .dest = {}, .detail = detail};
}

}  // namespace

Result<PinnedSource> PinnedSource::pin(const Bind& bind) {
  const int kind = bind.is_file ? O_PATH : O_RDONLY | O_DIRECTORY;
  UniqueFd fd(::open(bind.source.c_str(), kind | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return last_error("pin-source", "open", bind.source);
  struct stat found{};
  if (::fstat(fd.get(), &found) != 0) return last_error("pin-source", "fstat", bind.source);
  const bool is_planned = bind.dev != 0 || bind.ino != 0;
  if (!is_planned) return PinnedSource(bind, std::move(fd));
  if (found.st_ino != bind.ino || static_cast<std::uint64_t>(found.st_dev) != bind.dev) {
    return stale(bind.source, "the source is another file than when the plan was made");
  }
  return PinnedSource(bind, std::move(fd));
}

Result<std::uint64_t> PinnedSource::verify(const std::string& path) const {
  for (int look = 0; look < kLooks; ++look) {
    struct stat held{};
    struct stat mounted{};
    if (::fstat(fd_.get(), &held) != 0) return last_error("pin-source", "fstat", bind_->source);
    if (::lstat(path.c_str(), &mounted) != 0) return last_error("pin-source", "lstat", path);
    if (is_same_file(held, mounted)) return static_cast<std::uint64_t>(mounted.st_dev);
  }
  return stale(bind_->source, "the source was exchanged while it was being mounted");
}

}  // namespace buildjail
