#include "freebsd/launch.h"

#include <sys/param.h>
#include <sys/jail.h>
#include <sys/procctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>

#include "base/back_off.h"
#include "base/c_strings.h"
#include "freebsd/child.h"
#include "freebsd/processes.h"
#include "launch/exec_child.h"
#include "launch/vfork_child.h"

namespace buildjail {

namespace {

constexpr mode_t kUmask = 022;
constexpr unsigned kFirstNotStdio = 3;
constexpr std::chrono::milliseconds kKillBound{2000};

/** Where the child stopped; `syscall` is null while it is on its way. */
struct Stopped {
  const char* syscall = nullptr;
  int err = 0;
};

/** Everything the child uses, made before it exists, and what it has to say. */
struct Prepared {
  JailReference jail;
  std::array<int, 3> stdio;
  const char* login_class;
  const char* working_directory;
  const SetGroups* groups;
  uid_t uid;
  gid_t gid;
  char* const* candidates;
  char* const* argv;
  char* const* environment;
  /** Before execve(2). */
  kinfo_proc self;
  Stopped stopped;
};

// Real, effective and saved, all three: nothing is left to come back to (setresuid(2)).
int leave_group(gid_t gid) { return ::setresgid(gid, gid, gid); }
int leave_user(uid_t uid) { return ::setresuid(uid, uid, uid); }

int forbid_new_privileges() {
  int enable = PROC_NO_NEW_PRIVS_ENABLE;
  return ::procctl(P_PID, 0, PROC_NO_NEW_PRIVS_CTL, &enable);
}

/** A hard limit, which only root raises (setrlimit(2)). */
int forbid_cores() {
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  return ::setrlimit(RLIMIT_CORE, &none);
}

int die_with_parent() {
  int signal = SIGKILL;
  return ::procctl(P_PID, 0, PROC_PDEATHSIG_CTL, &signal);
}

// The order matters: see docs/design.md, "Launching".
void run_child(void* context) {
  auto& prepared = *static_cast<Prepared*>(context);
  const auto failed = [&prepared](const char* syscall, int result) {
    if (result < 0) prepared.stopped = {.syscall = syscall, .err = errno};
    return result < 0;
  };
  if (failed("setsid", ::setsid())) return;
  if (failed("setlogin", forget_login_name())) return;
  if (failed("setloginclass", ::setloginclass(prepared.login_class))) return;
  if (failed("dup2", set_stdio(prepared.stdio))) return;
  if (failed("close_range", ::close_range(kFirstNotStdio, ~0U, 0))) return;
  if (failed("procctl", forbid_tracing())) return;
  if (failed("setrlimit", forbid_cores())) return;
  if (failed("jail_attach", ::jail_attach(prepared.jail.jid))) return;
  if (failed("lstat", confirm_root(prepared.jail))) return;
  if (failed("chdir", ::chdir(prepared.working_directory))) return;
  ::umask(kUmask);
  if (failed("setgroups", prepared.groups->call())) return;
  if (failed("setresgid", leave_group(prepared.gid))) return;
  if (failed("setresuid", leave_user(prepared.uid))) return;
  if (failed("procctl", forbid_new_privileges())) return;
  if (failed("procctl", die_with_parent())) return;
  if (failed("sysctl", look_at_self(prepared.self))) return;
  const char* const refused = reset_signals(prepared.self);
  if (refused != nullptr && failed(refused, -1)) return;
  failed("execve", execute_first(prepared.candidates, prepared.argv, prepared.environment));
}

SysError failure(const Stopped& stopped, const LaunchRequest& request) {
  SysError error{
      .step = stopped.syscall, .syscall = stopped.syscall, .err = stopped.err, .path = {}, .dest = {}, .detail = {}};
  if (error.syscall == "chdir") error.path = request.working_directory;
  if (error.syscall == "execve") error.path = request.argv.front();
  if (error.syscall == "lstat" && error.err == ESRCH) error.detail = "the session's jail was removed by somebody else";
  return error;
}

}  // namespace

std::string login_class_of(std::uint32_t run) { return "bj-" + std::to_string(run); }

Result<Launched> launch_in_jail(const JailReference& jail, const BuildUser& user, const SetGroups& groups,
                                LaunchRequest& request, const std::array<int, 3>& stdio) {
  auto candidate_paths = executable_candidates(request);
  const CStrings candidates(candidate_paths);
  const CStrings argv(request.argv);
  const CStrings environment(request.environment);
  const std::string login_class = login_class_of(request.run);
  Prepared prepared{.jail = jail,
                    .stdio = stdio,
                    .login_class = login_class.c_str(),
                    .working_directory = request.working_directory.c_str(),
                    .groups = &groups,
                    .uid = user.uid,
                    .gid = user.gid,
                    .candidates = candidates.data(),
                    .argv = argv.data(),
                    .environment = environment.data(),
                    .self = {},
                    .stopped = {}};
  const pid_t child = vfork_child(run_child, &prepared);
  if (child < 0) return last_error("vfork", "vfork");
  if (prepared.stopped.syscall != nullptr) {
    reap(child);
    return failure(prepared.stopped, request);
  }
  Launched launched{.pid = child, .who = {}};
  if (prepared.self.ki_pid == child) {
    launched.who = credentials_in(prepared.self);
    // To who asks inside, the kernel calls the jail 0.
    launched.who->jid = jail.jid;
  }
  return launched;
}

namespace {

struct Killing {
  JailReference jail;
  /** The child lived to write down what came of it. */
  bool is_done = false;
  int err = 0;
};

void kill_everything(void* context) {
  auto& killing = *static_cast<Killing*>(context);
  // ESRCH: nobody is there (kill(2)).
  if (kill_everything_in_jail(killing.jail) != 0 && errno != ESRCH) killing.err = errno;
  killing.is_done = true;
}

SysError not_killed(int err, const char* detail) {
  return {.step = "kill", .syscall = "kill", .err = err, .path = {}, .dest = {}, .detail = detail};
}

}  // namespace

Status kill_in_jail(const Jail& jail) {
  BackOff back_off(kKillBound);
  Killing killing{.jail = jail.reference()};
  do {
    const pid_t child = vfork_child(kill_everything, &killing);
    if (child < 0) return last_error("kill", "vfork");
    reap(child);
    if (killing.is_done) return killing.err == 0 ? Status() : not_killed(killing.err, "");
    // Inside, the child is as mortal as all others: who is root there may kill it first, and does so each time if that
    // is all it does. Without that one the next child gets all that is left, by one call that no fork(2) escapes.
    if (!jail.has_its_number()) continue;
    if (auto killed = signal_each_in(jail.jid(), {}, SIGKILL); !killed) return std::move(killed.error());
  } while (back_off.wait());
  return not_killed(ETIMEDOUT, "what was to kill them was killed by them, each time");
}

}  // namespace buildjail
