#include "freebsd/mounted_source.h"

#include <sys/stat.h>

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

/** `look_at` is as fstat(2). */
template <class LookAt>
Result<struct stat> verify(const Bind& bind, int source, const std::string& path, const char* syscall, LookAt look_at) {
  for (int look = 0; look < kLooks; ++look) {
    struct stat held{};
    struct stat mounted{};
    if (::fstat(source, &held) != 0) return last_error("pin-source", "fstat", bind.source);
    if (look_at(mounted) != 0) return last_error("pin-source", syscall, path);
    // defence: mounted-looked
    if (is_same_file(held, mounted)) return mounted;
  }
  return SysError{.step = "pin-source",
                  .syscall = "fstat",
                  .err = ESTALE,
                  .path = bind.source,
                  .dest = {},
                  .detail = "the source was exchanged while it was being mounted"};
}

}  // namespace

Result<struct stat> verify_mounted(const Bind& bind, int source, const std::string& path) {
  return verify(bind, source, path, "lstat", [&path](struct stat& found) { return ::lstat(path.c_str(), &found); });
}

Result<struct stat> verify_shown(const Bind& bind, int source, int shown) {
  return verify(bind, source, bind.target, "fstat", [shown](struct stat& found) { return ::fstat(shown, &found); });
}

SysError leasable_input(const Bind& bind, uid_t owner) {
  return {.step = "pin-source",
          .syscall = "fstat",
          .err = EPERM,
          .path = bind.source,
          .dest = bind.target,
          .detail = "it belongs to user " + std::to_string(owner) +
                    ", whom builds lease and who could change its ACL and its extended attributes; give it another "
                    "owner, or name the user of the build"};
}

}  // namespace buildjail
