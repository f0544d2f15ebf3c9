#include "linux/hidden_proc.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/unique_fd.h"
#include "linux/raw_calls.h"

namespace buildjail {

namespace {

struct Hidden {
  const char* name;
  bool is_for_root_only;
};

constexpr auto kHidden = std::to_array<Hidden>({{"keys", false},
                                                {"key-users", false},
                                                {"latency_stats", false},
                                                {"sched_debug", false},
                                                {"acpi/wakeup", false},
                                                {"scsi/scsi", false},
                                                {"timer_list", true},
                                                {"kcore", true},
                                                {"sysrq-trigger", true}});

}  // namespace

Result<std::vector<std::string>> hidden_in_proc(const MountProc& proc, bool is_root) {
  std::vector<std::string> hidden;
  for (const auto& [name, is_for_root_only] : kHidden) {
    if (is_for_root_only && !is_root) continue;
    // To find that one is not there takes the host's /proc a tenth of what it takes one that was just mounted.
    const std::string of_host = std::string("/proc/") + name;
    if (::access(of_host.c_str(), F_OK) == 0)
      hidden.push_back(proc.target.substr(1) + "/" + name);
    else if (errno != ENOENT)
      return last_error("mount", "access", of_host);
  }
  return hidden;
}

bool hide(const std::vector<std::string>& hidden, const char* null, Stopped& stopped) {
  const auto stop = [&stopped](const char* syscall, const char* path) {
    stopped = {.step = "mount", .syscall = syscall, .err = errno, .path = path, .dest = "", .detail = ""};
    return false;
  };
  for (const std::string& path : hidden) {
    const UniqueFd cover(raw::open_tree(AT_FDCWD, null, raw::kTreeClone | raw::kTreeCloseOnExec));
    if (!cover) return stop("open_tree", null);
    // defence: proc-host-alone-covered
    if (raw::move_mount(cover.get(), AT_FDCWD, path.c_str()) != 0) return stop("move_mount", path.c_str());
  }
  return true;
}

}  // namespace buildjail
