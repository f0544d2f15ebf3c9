#include "freebsd/launch.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>

#include "base/back_off.h"
#include "base/text.h"
#include "freebsd/child.h"
#include "freebsd/jail_child.h"
#include "freebsd/processes.h"
#include "launch/vfork_child.h"

namespace buildjail {

namespace {

constexpr mode_t kUmask = 022;
constexpr std::chrono::milliseconds kKillBound{2000};

SysError failure(const Stopped& stopped, const LaunchRequest& request) {
  SysError error{
      .step = stopped.syscall, .syscall = stopped.syscall, .err = stopped.err, .path = {}, .dest = {}, .detail = {}};
  if (error.step == "terminal") error.syscall = "open";
  if (error.syscall == "chdir") error.path = request.working_directory;
  if (error.syscall == "execve") error.path = request.argv.front();
  if (error.step == "open") error.path = "/dev/null";
  if (error.syscall == "lstat" && error.err == ESRCH) error.detail = "the session's jail was removed by somebody else";
  return error;
}

}  // namespace

std::string login_class_of(std::uint32_t run) { return "bj-" + std::to_string(run); }

Result<Launched> launch_in_jail(const JailReference& jail, const BuildUser& user, const SetGroups& groups,
                                LaunchRequest& request, const std::array<int, 3>& stdio, const GivenTerminal& terminal,
                                int more_launches) {
  auto limits = SetLimits::of(request.limits);
  if (!limits) return std::move(limits.error());
  auto candidate_paths = executable_candidates(request);
  const CStrings candidates(candidate_paths);
  const CStrings argv(request.argv);
  const CStrings environment(request.environment);
  const std::string login_class = login_class_of(request.run);
  JailChild prepared{.steps = {},
                     .jail = jail,
                     .stdio = stdio,
                     .terminal = terminal,
                     .login_class = login_class.c_str(),
                     .working_directory = request.working_directory.c_str(),
                     .umask = kUmask,
                     .groups = &groups,
                     .limits = &*limits,
                     .uid = user.uid,
                     .gid = user.gid,
                     .parent_death_signal = SIGKILL,
                     .candidates = candidates.data(),
                     .argv = argv.data(),
                     .environment = environment.data(),
                     .self = {},
                     .is_executing = false,
                     .stopped = {}};
  pid_t child = start_jail_child(prepared);
  for (; child > 0 && prepared.has_died_early() && more_launches > 0; --more_launches) {
    reap(child);
    child = start_jail_child(prepared);
  }
  if (child < 0) return last_error("vfork", "vfork");
  if (prepared.stopped.syscall != nullptr) {
    reap(child);
    return failure(prepared.stopped, request);
  }
  Launched launched{.pid = child, .who = {}};
  if (prepared.self.ki_pid == child) {
    launched.who = credentials_in(prepared.self);
    // A process inside sees its own jail as 0.
    launched.who->jid = jail.jid;
  }
  return launched;
}

namespace {

struct Killing {
  JailReference jail;
  /** The child lived long enough to report. */
  bool is_done = false;
  /** Null if no call failed. */
  const char* syscall = nullptr;
  int err = 0;
};

void kill_everything(void* context) {
  auto& killing = *static_cast<Killing*>(context);
  killing.syscall = kill_everything_in_jail(killing.jail);
  killing.err = errno;
  killing.is_done = true;
}

SysError not_killed(const char* syscall, int err, const char* detail) {
  return {.step = "kill", .syscall = syscall, .err = err, .path = {}, .dest = {}, .detail = detail};
}

}  // namespace

Status kill_in_jail(const Jail& jail) {
  BackOff back_off(kKillBound);
  Killing killing{.jail = jail.reference()};
  do {
    const pid_t child = vfork_child(kill_everything, &killing);
    if (child < 0) return last_error("kill", "vfork");
    reap(child);
    if (killing.is_done) {
      // A root build can take this privilege from its jail, and no process inside can give it back. So if the jail has
      // it now, it had it when the child killed.
      const auto has_root = jail.is_root_privileged();
      if (!has_root) return has_root.error();
      // defence: everything-killed-though-build
      if (*has_root)
        return killing.syscall == nullptr ? Status() : Status(not_killed(killing.syscall, killing.err, ""));
      // Every process that could take it again is dead: they had the child's own user.
      if (auto status = jail.privilege_root(); !status) return status;
      killing = {.jail = killing.jail};
      continue;
    }
    // Root inside may kill the child first, and a process that does nothing else does so each time. After that process
    // is killed from outside, the next child kills the rest by one call, which no fork(2) escapes.
    if (!jail.has_its_number()) continue;
    if (auto killed = signal_each_in(jail.jid(), {}, SIGKILL); !killed) return std::move(killed.error());
  } while (back_off.wait());
  return not_killed("kill", ETIMEDOUT, "the processes killed the process that was to kill them, each time");
}

}  // namespace buildjail
