#include "linux/cgroup_directory.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "base/unique_fd.h"

namespace buildjail {

namespace {

constexpr std::string_view kBelow = "/session";

// Who is in it has been killed by now, but may still be on its way out.
Status remove_directory(const std::string& path, const std::string& kill_file, TakingAway& taking) {
  bool is_killed = false;
  while (::rmdir(path.c_str()) != 0) {
    if (errno == ENOENT) return {};
    if (errno != EBUSY) return last_error(kCgroup, "rmdir", path);
    if (!is_killed) {
      const UniqueFd kill(::open(kill_file.c_str(), O_WRONLY | O_CLOEXEC));
      if (kill) static_cast<void>(::write(kill.get(), "1", 1));
      is_killed = true;
    }
    if (taking.wait_while_busy()) continue;
    errno = EBUSY;
    return last_error(kCgroup, "rmdir", path);
  }
  return {};
}

}  // namespace

std::string cgroup_name(const std::string& id) { return "buildjail-" + id; }

std::string cgroup_of_processes(const std::string& directory, bool is_unified) {
  return is_unified ? directory + std::string(kBelow) : directory;
}

Fact cgroup_fact(const std::string& directory) { return {.part = kCgroup, .key = "directory", .value = directory}; }

Status remove_cgroup(const std::string& directory, TakingAway& taking) {
  // Of version 1 there is nothing below it.
  if (::rmdir(directory.c_str()) == 0 || errno == ENOENT) return {};
  if (errno != EBUSY) return last_error(kCgroup, "rmdir", directory);
  const std::string kill_file = directory + "/cgroup.kill";
  if (auto status = remove_directory(directory + std::string(kBelow), kill_file, taking); !status) return status;
  return remove_directory(directory, kill_file, taking);
}

bool is_cgroup_of(const std::string& id, const std::string& directory) {
  const std::size_t name = directory.rfind('/');
  // defence: recovery-removes-only-cgroups
  if (!directory.starts_with('/') || directory.substr(name + 1) != cgroup_name(id)) return false;
  const UniqueFd opened(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct statfs found{};
  if (!opened || ::fstatfs(opened.get(), &found) != 0) return false;
  // defence: recovery-removes-only-cgroups-2
  return found.f_type == CGROUP2_SUPER_MAGIC || found.f_type == CGROUP_SUPER_MAGIC;
}

}  // namespace buildjail
