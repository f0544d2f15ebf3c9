#include "linux/shared_counts.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/tolerated.h"
#include "state/files.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "user-namespace";
constexpr const char* kFolder = "/proc/sys/user";

/** A session gets one of so many parts of the caller's limit, or all but `kept` of it if that is more. */
struct CountedLimit {
  int resource;
  rlim_t parts;
  rlim_t kept = RLIM_INFINITY;
};

constexpr auto kLimits = std::to_array<CountedLimit>({
    // Timers (timer_create(2)) too. Without any left, threads of the caller's programs do not change their user
    // (setuid(2), "C library/kernel differences").
    // defence: pending-signals-session-bounded
    {RLIMIT_SIGPENDING, 4},
    // Bytes. One queue takes a tenth by default (mq_overview(7)).
    // defence: message-queues-session-bounded
    {RLIMIT_MSGQUEUE, 2},
    // No process sends a descriptor while its user has more on the way than the sender may have open (unix(7),
    // ETOOMANYREFS), which is how commands get theirs. A message more can be on the way, of 253, and one for each
    // processor that sends just then.
    // defence: descriptors-on-way-session-bounded
    {RLIMIT_NOFILE, 2, 1024},
});

/** A file of /proc/sys/user, and the file with the host's own bound: the first has no limit in a container. */
struct CountedThing {
  std::string_view name;
  const char* host;
};

/** A session gets at most a quarter of each. */
constexpr auto kThings = std::to_array<CountedThing>({
    // defence: inotify-instances-session-bounded
    {"max_inotify_instances", "/proc/sys/fs/inotify/max_user_instances"},
    // defence: inotify-watches-session-bounded
    {"max_inotify_watches", "/proc/sys/fs/inotify/max_user_watches"},
    // defence: fanotify-groups-session-bounded
    {"max_fanotify_groups", "/proc/sys/fs/fanotify/max_user_groups"},
    // defence: fanotify-marks-session-bounded
    {"max_fanotify_marks", "/proc/sys/fs/fanotify/max_user_marks"},
    // For a spec that allows them.
    // defence: user-namespaces-session-bounded
    {"max_user_namespaces", "/proc/sys/user/max_user_namespaces"},
    {"max_cgroup_namespaces", "/proc/sys/user/max_cgroup_namespaces"},
    {"max_ipc_namespaces", "/proc/sys/user/max_ipc_namespaces"},
    {"max_mnt_namespaces", "/proc/sys/user/max_mnt_namespaces"},
    {"max_net_namespaces", "/proc/sys/user/max_net_namespaces"},
    {"max_pid_namespaces", "/proc/sys/user/max_pid_namespaces"},
    {"max_time_namespaces", "/proc/sys/user/max_time_namespaces"},
    {"max_uts_namespaces", "/proc/sys/user/max_uts_namespaces"},
});
constexpr std::uint64_t kParts = 4;

struct Setting {
  std::string name;
  std::string path;
  std::uint64_t host;
};

/**
 * The settings that this kernel has. They are read once: sessions open more often than an administrator changes them.
 */
const std::vector<Setting>& settings() {
  static const std::vector<Setting> known = [] {
    const Tolerated tolerated("what a kernel does not count has no bound");
    std::vector<Setting> found;
    for (const auto& [name, host] : kThings) {
      if (const auto most = number_in(host))
        found.push_back(
            {.name = std::string(name), .path = std::string(kFolder) + "/" + std::string(name), .host = *most});
    }
    return found;
  }();
  return known;
}

}  // namespace

Status bound_limits(InitCalls& calls) {
  for (const auto& [resource, parts, kept] : kLimits) {
    rlimit bounds{};
    if (::getrlimit(resource, &bounds) != 0) return last_error("init", "getrlimit");
    bounds.rlim_max -= std::min(bounds.rlim_max - bounds.rlim_max / parts, kept);
    bounds.rlim_cur = std::min(bounds.rlim_cur, bounds.rlim_max);
    calls.make({.step = "init"}, kCall_prlimit64, {0, resource, CallArgument::bytes(bounds), 0});
  }
  return {};
}

// The kernel takes the namespace of the process that opens the file.
void bound_settings(InitCalls& calls) {
  // The session's own /proc may be read-only.
  const Tolerated tolerated("without write access to /proc/sys the session's user is not bounded");
  UniqueFd folder(::open(kFolder, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return;
  const Slot opened = calls.pass(std::move(folder));
  for (const auto& [name, path, host] : settings()) {
    const CallSite site{.step = kStep, .path = path};
    const std::string most = std::to_string((host + kParts - 1) / kParts);
    calls.make(site, kCall_openat, {opened, name, O_WRONLY | O_CLOEXEC}).into(kOpened).may_fail(kAnyError, 1);
    calls.make(site, kCall_write, {kOpened, most, most.size()}).may_fail(kAnyError);
  }
  for (const Slot used : {kOpened, opened}) calls.make({.step = kStep}, kCall_close, {used}).may_fail(kAnyError);
}

}  // namespace buildjail
