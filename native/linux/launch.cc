#include "linux/launch.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <span>
#include <string_view>
#include <utility>

#include "base/c_strings.h"
#include "launch/exec_child.h"
#include "linux/capabilities.h"
#include "linux/child.h"
#include "linux/clone_child.h"
#include "linux/proc_files.h"
#include "linux/raw_calls.h"
#include "linux/session_keyring.h"

namespace buildjail {

namespace {

constexpr mode_t kUmask = 022;
constexpr int kPidfd = 3;

/** Everything the children use, made before they exist, and what they have to say. */
struct Prepared {
  int pidfd;
  int namespaces;
  std::array<int, 3> stdio;
  const char* keyring;
  const char* working_directory;
  uid_t uid;
  gid_t gid;
  std::span<const gid_t> groups;
  bool may_set_groups;
  std::uint64_t kept_capabilities;
  char* const* candidates;
  char* const* argv;
  char* const* environment;
  ChildStack* command_stack;
  /** Of the command, written as it comes to be. */
  pid_t pid = 0;
  /** The command, right before execve(2), as the kernel says. */
  Credentials self{};
  bool has_looked_at_self = false;
  Stopped stopped{};
};

bool failed(Prepared& prepared, const char* syscall, int result) {
  if (result < 0) prepared.stopped = {.step = syscall, .syscall = syscall, .err = errno};
  return result < 0;
}

/** In a user namespace it would be told numbers of that. */
bool look_at_self(Prepared& prepared) {
  if (!prepared.may_set_groups) return true;
  Credentials& self = prepared.self;
  if (failed(prepared, "getresuid", ::getresuid(&self.real_uid, &self.uid, &self.saved_uid))) return false;
  if (failed(prepared, "getresgid", ::getresgid(&self.real_gid, &self.gid, &self.saved_gid))) return false;
  const int count = static_cast<int>(self.groups.size());
  prepared.has_looked_at_self = !failed(prepared, "getgroups", ::getgroups(count, self.groups.data()));
  return prepared.has_looked_at_self;
}

// The second child, which is born inside. No parent-death signal: on Linux that would be the death of the thread that
// launched it (PR_SET_PDEATHSIG(2const)), which of a thread pool means nothing. It dies with init, which dies with us.
void run_command(void* context) {
  auto& prepared = *static_cast<Prepared*>(context);
  if (failed(prepared, "setsid", ::setsid())) return;
  if (failed(prepared, "chdir", ::chdir(prepared.working_directory))) return;
  ::umask(kUmask);
  if (failed(prepared, "keyctl", join_session_keyring(prepared.keyring))) return;
  if (prepared.may_set_groups &&
      failed(prepared, "setgroups", raw::setgroups(prepared.groups.size(), prepared.groups.data())))
    return;
  if (failed(prepared, "prctl", bound_capabilities(prepared.kept_capabilities))) return;
  if (failed(prepared, "setresgid", raw::leave_group(prepared.gid))) return;
  if (failed(prepared, "setresuid", raw::leave_user(prepared.uid))) return;
  Capabilities held;
  if (failed(prepared, "capget", get_capabilities(held))) return;
  if (failed(prepared, "capset", lay_down_capabilities(held, prepared.kept_capabilities))) return;
  if (failed(prepared, "prctl", forbid_new_privileges())) return;
  if (!look_at_self(prepared)) return;
  if (failed(prepared, "rt_sigprocmask", unblock_signals())) return;
  failed(prepared, "execve", execute_first(prepared.candidates, prepared.argv, prepared.environment));
}

// The first child, which enters; into a pid namespace that is by its children only (setns(2), CLONE_NEWPID).
void run_entering(void* context) {
  auto& prepared = *static_cast<Prepared*>(context);
  if (failed(prepared, "rt_sigaction", reset_signals())) return;
  if (failed(prepared, "dup2", set_stdio(prepared.stdio))) return;
  // Nothing of ours is open any more but the way in.
  if (prepared.pidfd != kPidfd && failed(prepared, "dup3", ::dup3(prepared.pidfd, kPidfd, O_CLOEXEC))) return;
  if (failed(prepared, "close_range", raw::close_range(kPidfd + 1))) return;
  if (failed(prepared, "setns", ::setns(kPidfd, prepared.namespaces))) return;
  if (failed(prepared, "close", ::close(kPidfd))) return;
  if (failed(prepared, "clone", clone_sibling(run_command, &prepared, *prepared.command_stack, &prepared.pid))) return;
  ::_exit(0);
}

/** Readable from the end on (pidfd_open(2)). */
bool has_ended(int pidfd) {
  pollfd ended{.fd = pidfd, .events = POLLIN, .revents = 0};
  return ::poll(&ended, 1, 0) > 0;
}

SysError failure(const Stopped& stopped, const LaunchRequest& request, int pidfd) {
  SysError error = error_of(stopped);
  if (error.syscall == "chdir") error.path = request.working_directory;
  if (error.syscall == "execve") error.path = request.argv.front();
  // pid_namespaces(7): nobody can be born where init is dead.
  if (error.syscall == "clone" && error.err == ENOMEM && has_ended(pidfd)) error.err = ESRCH;
  return error;
}

}  // namespace

Result<Launched> launch_in_namespaces(const Namespaces& namespaces, const BuildUser& user, LaunchRequest& request,
                                      const StdioEnds& ends) {
  auto candidate_paths = executable_candidates(request);
  const CStrings candidates(candidate_paths);
  const CStrings argv(request.argv);
  const CStrings environment(request.environment);
  ChildStack stack;
  ChildStack command_stack;
  Prepared prepared{.pidfd = namespaces.pidfd(),
                    .namespaces = namespaces.kinds(),
                    .stdio = {ends.child[0].get(), ends.child[1].get(), ends.child[2].get()},
                    .keyring = namespaces.keyring().c_str(),
                    .working_directory = request.working_directory.c_str(),
                    .uid = user.uid,
                    .gid = user.gid,
                    .groups = user.groups,
                    .may_set_groups = (namespaces.kinds() & CLONE_NEWUSER) == 0,
                    .kept_capabilities = user.uid == 0 ? kRootKeeps : 0,
                    .candidates = candidates.data(),
                    .argv = argv.data(),
                    .environment = environment.data(),
                    .command_stack = &command_stack};
  prepared.self.groups.resize(user.groups.size());
  const pid_t entering = clone_child(0, run_entering, &prepared, stack);
  if (entering < 0) return last_error("clone", "clone");
  reap_clone(entering);
  if (prepared.stopped.syscall == nullptr && prepared.pid > 0) {
    Launched launched{.pid = prepared.pid, .who = {}};
    // Until it is waited for, even a command that is over already can be looked at.
    if (!prepared.may_set_groups) launched.who = credentials_of(prepared.pid);
    if (prepared.has_looked_at_self) launched.who = std::move(prepared.self);
    if (launched.who) launched.who->pid = prepared.pid;
    return launched;
  }
  if (prepared.pid > 0) reap_clone(prepared.pid);
  if (prepared.stopped.syscall != nullptr) return failure(prepared.stopped, request, prepared.pidfd);
  return SysError{.step = "clone",
                  .syscall = "clone",
                  .err = ECANCELED,
                  .path = {},
                  .dest = {},
                  .detail = "the launching child was killed"};
}

}  // namespace buildjail
