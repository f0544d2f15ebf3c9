#include "freebsd/spawn_in_jail.h"

#include <sys/param.h>
#include <sys/jail.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <utility>

#include "base/text.h"
#include "base/unique_fd.h"
#include "freebsd/iovec_list.h"
#include "freebsd/jail_child.h"
#include "launch/launch_request.h"
#include "launch/vfork_child.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "spawn";

/** What the child is to find as its root. */
Result<JailReference> reference_to(int jid) {
  IovecList options;
  options.add_int("jid", jid);
  options.add_buffer("path", MAXPATHLEN);
  options.add_errmsg();
  if (::jail_get(options.data(), options.size(), 0) < 0) {
    auto error = last_error(kStep, "jail_get");
    error.detail = options.errmsg();
    return error;
  }
  const std::string root(reinterpret_cast<const char*>(options.value(1).data()));
  struct stat found{};
  if (::stat(root.c_str(), &found) != 0) return last_error(kStep, "stat", root);
  return JailReference{.jid = jid, .dev = found.st_dev, .ino = found.st_ino};
}

/** The child's ends; ours come into `ours`. */
Status make_pipes(SpawnRequest& request, std::array<UniqueFd, 3>& ours) {
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (request.stdio.at(i) != SpawnRequest::Stdio::kPipe) continue;
    std::array<int, 2> pair{};
    if (::pipe2(pair.data(), O_CLOEXEC) != 0) return last_error(kStep, "pipe2");
    UniqueFd reading = above_stdio(UniqueFd(pair[0]));
    UniqueFd writing = above_stdio(UniqueFd(pair[1]));
    if (!reading || !writing) return last_error(kStep, "fcntl");
    request.descriptors.at(i) = std::move(i == 0 ? reading : writing);
    ours.at(i) = std::move(i == 0 ? writing : reading);
  }
  return {};
}

}  // namespace

Result<Spawned> spawn_in_jail(SpawnRequest& request) {
  JailReference jail{.jid = request.jid, .dev = 0, .ino = 0};
  if (request.steps.has(ForkStep::kRoot)) {
    const auto found = reference_to(request.jid);
    if (!found) return found.error();
    jail = *found;
  }
  Spawned spawned{.pid = 0, .ours = {}};
  if (auto status = make_pipes(request, spawned.ours); !status) return std::move(status.error());
  const SetGroups groups(request.gid, request.groups);
  const auto limits = SetLimits::exactly(request.limits);
  LaunchRequest launch;
  launch.argv = request.argv;
  launch.environment = request.environment;
  auto candidate_paths = executable_candidates(launch);
  const CStrings candidates(candidate_paths);
  const CStrings argv(launch.argv);
  const CStrings environment(launch.environment);
  const auto& stdio = request.descriptors;
  JailChild prepared{.steps = request.steps,
                     .jail = jail,
                     .stdio = {stdio[0].get(), stdio[1].get(), stdio[2].get()},
                     .terminal = {.path = nullptr, .terminal = nullptr},
                     .login_class = request.login_class.c_str(),
                     .working_directory = request.working_directory.c_str(),
                     .umask = request.umask,
                     .groups = &groups,
                     .limits = &limits,
                     .uid = request.uid,
                     .gid = request.gid,
                     .parent_death_signal = request.parent_death_signal,
                     .candidates = candidates.data(),
                     .argv = argv.data(),
                     .environment = environment.data(),
                     .self = {},
                     .is_executing = false,
                     .stopped = {}};
  spawned.pid = vfork_child(run_jail_child, &prepared);
  if (spawned.pid < 0) return last_error(kStep, "vfork");
  if (prepared.stopped.syscall == nullptr) return spawned;
  reap(spawned.pid);
  SysError error{.step = kStep,
                 .syscall = prepared.stopped.syscall,
                 .err = prepared.stopped.err,
                 .path = {},
                 .dest = {},
                 .detail = {}};
  if (error.syscall == "chdir") error.path = request.working_directory;
  if (error.syscall == "execve") error.path = request.argv.front();
  if (error.syscall == "open") error.path = "/dev/null";
  if (error.syscall == "lstat" && error.err == ESRCH) error.detail = "the root there is not that of the jail";
  return error;
}

}  // namespace buildjail
