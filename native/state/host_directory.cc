#include "state/host_directory.h"

#include <sys/stat.h>

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "state/state_directory.h"

namespace buildjail {

namespace {

// Beside the usual state directory (src/spec/state-directory.ts) and not in it: on FreeBSD that is a file system of its
// own, which is mounted and unmounted (freebsd/state_file_system.h).
#ifdef __FreeBSD__
constexpr const char* kOfRoot = "/var/run/buildjail-leases";
#else
constexpr const char* kOfRoot = "/run/buildjail-leases";
#endif
constexpr std::string_view kName = "/buildjail-leases";

/** One that cannot be looked at is not taken for one that is not there: another program may see it. */
Result<bool> is_own_directory(const std::string& path, uid_t user) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) == 0) return S_ISDIR(found.st_mode) && found.st_uid == user;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return last_error("state-directory", "lstat", path);
}

/** Not by the environment where that can be helped: two programs of one user may have different ones. */
Result<std::string> path_for(uid_t user) {
  if (user == 0) return std::string(kOfRoot);
  std::string usual = "/run/user/" + std::to_string(user);
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody in this program changes the environment off the main thread
  const char* const named = std::getenv("XDG_RUNTIME_DIR");
  const auto is_usual = is_own_directory(usual, user);
  if (!is_usual) return is_usual.error();
  if (*is_usual) return usual.append(kName);
  if (named != nullptr && named[0] == '/') {
    const auto is_named = is_own_directory(named, user);
    if (!is_named) return is_named.error();
    if (*is_named) return std::string(named).append(kName);
  }
  return "/tmp/buildjail-leases-" + std::to_string(user);
}

}  // namespace

Result<std::string> host_directory(Surroundings& around) {
  auto path = path_for(::geteuid());
  if (!path) return path;
  if (auto status = around.refuse_changeable(*path); !status) return std::move(status.error());
  if (auto status = make_private_directory(*path); !status) return std::move(status.error());
  return path;
}

}  // namespace buildjail
