#include "freebsd/jail_child.h"

#include <sys/ioctl.h>
#include <sys/jail.h>
#include <sys/ktrace.h>
#include <sys/mman.h>
#include <sys/proc.h>
#include <sys/procctl.h>
#include <sys/stat.h>
#include <sys/sysctl.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <grp.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <limits>
#include <memory>
#include <utility>

#include "base/text.h"
#include "base/tolerated.h"
#include "freebsd/child.h"
#include "launch/vfork_child.h"

namespace buildjail {

SetGroups::SetGroups(gid_t gid, const std::vector<gid_t>& groups) {
  // Looked up, because a binary that is linked against the new version does not load on 14.
  void* const current = ::dlvsym(RTLD_DEFAULT, "setgroups", "FBSD_1.8");
  void* const before = current != nullptr ? current : ::dlvsym(RTLD_DEFAULT, "setgroups", "FBSD_1.0");
  function_ = reinterpret_cast<Function>(before);
  if (current == nullptr) groups_.push_back(gid);
  groups_.insert(groups_.end(), groups.begin(), groups.end());
}

namespace {

// rlim_t is signed.
rlim_t as_limit(std::uint64_t value) {
  return static_cast<rlim_t>(std::min(value, static_cast<std::uint64_t>(std::numeric_limits<rlim_t>::max() - 1)));
}

// RLIMIT_PIPEBUF of 14.2 (getrlimit(2)), which older headers lack.
constexpr int kPipeMemory = 15;

}  // namespace

Result<std::vector<ProcessLimit>> process_limits(const CommandLimits& limits) {
  std::vector<ProcessLimit> set;
  for (std::size_t i = 0; i < kRlimits.size(); ++i) {
    if (limits.of_processes.at(i) == 0) continue;
    const rlim_t most = as_limit(limits.of_processes.at(i));
    rlimit limit{};
    if (::getrlimit(kRlimits.at(i).resource, &limit) != 0) return last_error("setrlimit", "getrlimit");
    limit.rlim_max = std::min(limit.rlim_max, most + static_cast<rlim_t>(kRlimits.at(i).grace));
    limit.rlim_cur = std::min(limit.rlim_max, most);
    set.push_back({.resource = kRlimits.at(i).resource, .limit = limit});
  }
  return set;
}

Result<rlim_t> most_pipe_memory(uid_t uid) {
  constexpr rlim_t kShare = 4;
  rlimit limit{};
  if (uid == 0) return RLIM_INFINITY;
  if (::getrlimit(kPipeMemory, &limit) != 0) {
    // A kernel before 14.2.
    if (errno == EINVAL) return RLIM_INFINITY;
    return last_error("setrlimit", "getrlimit");
  }
  const char* const name = "kern.ipc.maxpipekva";
  long all = 0;
  std::size_t size = sizeof(all);
  if (::sysctlbyname(name, &all, &size, nullptr, 0) != 0) return last_error("sysctl", "sysctl", name);
  return all / kShare;
}

namespace {

// What shares our memory follows the rules of freebsd/child.h.

/**
 * Opens the terminal, makes it the controlling one if it is typed into, and puts it among the stdio. The child calls it
 * when it leads a session and is not in the jail yet. No other process may have it open: then the kernel waits at the
 * end of the command until all its output was read, and otherwise throws that away (revoke(2)). In the jail, this
 * terminal of the host is seen and no other (devfs(4)).
 */
int give_terminal(JailChild& child) {
  if (child.terminal == nullptr) return 0;
  const CommandTerminal& terminal = *child.terminal;
  int fd = ::open(child.terminal_path, (terminal.is_typed_into ? O_RDWR : O_WRONLY) | O_NOCTTY | O_CLOEXEC);
  // If 0, 1 or 2 was free, it is there now, and set_stdio would replace it.
  if (fd >= 0 && fd <= STDERR_FILENO) fd = ::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (fd < 0) return -1;
  // After opening it, which resets the mode (tty(4)).
  if (terminal.mode && ::ioctl(fd, TIOCSETA, &*terminal.mode) != 0) return -1;
  if (terminal.is_typed_into && ::ioctl(fd, TIOCSCTTY, nullptr) != 0) return -1;
  for (std::size_t i = 0; i < child.stdio.size(); ++i) {
    if (terminal.streams[i]) child.stdio[i] = fd;
  }
  return 0;
}

constexpr unsigned kFirstNotStdio = 3;

// Real, effective and saved id, so that there is no way back (setresuid(2)).
int leave_group(gid_t gid) { return ::setresgid(gid, gid, gid); }
int leave_user(uid_t uid) { return ::setresuid(uid, uid, uid); }

/** procctl(2) about this process. */
int control(int command, int value) { return ::procctl(P_PID, 0, command, &value); }

/**
 * When memory runs out, the kernel ends the largest process that is not protected (protect(1)). A process in a jail may
 * not say so of any (prison_priv_check, PRIV_VM_MADV_PROTECT): if this one is in one, EPERM counts if it is protected.
 */
int give_up_protection(kinfo_proc& self) {
  {
    const Tolerated tolerated("looked at: an error if there is a protection to be given up", EPERM);
    if (control(PROC_SPROTECT, PPROT_CLEAR) == 0) return 0;
  }
  if (errno != EPERM) return -1;
  if (look_at_self(self) != 0) return -1;
  if ((self.ki_flag & P_PROTECTED) == 0) return 0;
  errno = EPERM;
  return -1;
}

/** A hard limit, which only root raises (setrlimit(2)). */
int forbid_cores() {
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  return ::setrlimit(RLIMIT_CORE, &none);
}

/**
 * Bounds what belongs to the whole host and is counted by user: terminals (pts(4)) and the memory of pipes. Root of a
 * session can raise it (setrlimit(2)). Returns the call that failed.
 */
const char* bound_shared(const JailChild& child) {
  constexpr rlim_t kMostTerminals = 128;
  for (const auto& [resource, most] : {std::pair{RLIMIT_NPTS, kMostTerminals}, {kPipeMemory, child.most_pipe_memory}}) {
    // defence: counts-of-user-bounded
    if (most == RLIM_INFINITY) continue;
    rlimit limit{};
    if (::getrlimit(resource, &limit) != 0) return "getrlimit";
    limit = {.rlim_cur = std::min(limit.rlim_cur, most), .rlim_max = std::min(limit.rlim_max, most)};
    if (::setrlimit(resource, &limit) != 0) return "setrlimit";
  }
  return nullptr;
}

/**
 * Has the kernel trace the calls of this process, and of all that come from it (ktrace(2)). Only root ends that, and on
 * 15 only root of the host (prison_priv_check, PRIV_KTRACE). Call it before jail_attach(2), which takes the file out of
 * reach, and before the limits of the command: the kernel keeps to the size of files (setrlimit(2)) that the caller has
 * now. Returns the call that failed.
 */
const char* trace_paths(const char* file) {
  if (file == nullptr) return nullptr;
  // Arguments of execve(2) are in traces since 15.0; an older kernel ignores their bit.
  constexpr int kEvents =
      KTRFAC_SYSCALL | KTRFAC_SYSRET | KTRFAC_NAMEI | KTRFAC_PROCCTOR | KTRFAC_PROCDTOR | KTRFAC_ARGS | KTRFAC_INHERIT;
  rlimit before{};
  const rlimit none{.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
  if (::getrlimit(RLIMIT_FSIZE, &before) != 0) return "getrlimit";
  // The file only grows, though what was read is taken out of it.
  if (::setrlimit(RLIMIT_FSIZE, &none) != 0) return "setrlimit";
  if (::ktrace(file, KTROP_SET, kEvents, ::getpid()) != 0) return "ktrace";
  return ::setrlimit(RLIMIT_FSIZE, &before) == 0 ? nullptr : "setrlimit";
}

/**
 * Setting RLIMIT_STACK takes away or gives access to the memory of the stack beyond the limit at once
 * (kern_proc_setrlimit in sys/kern/kern_resource.c). In a vforked child that is the stack of the host program's first
 * thread, so the child takes a copy of the memory first (rfork(2) without RFPROC and RFMEM).
 */
int unshare_memory() { return ::rfork(RFFDG); }

bool is_of_stack(std::span<const ProcessLimit> limits) {
  return std::ranges::find(limits, RLIMIT_STACK, &ProcessLimit::resource) != limits.end();
}

int set_limits(std::span<const ProcessLimit> limits) {
  for (const auto& [resource, limit] : limits) {
    if (::setrlimit(resource, &limit) != 0) return -1;
  }
  return 0;
}

/** The program of the child. The order of its steps matters. */
void run_jail_child(void* context) {
  auto& child = *static_cast<JailChild*>(context);
  const auto failed = [&child](const char* syscall, int result) {
    if (result >= 0) return false;
    child.err = errno;
    child.stopped_at = syscall;
    return true;
  };
  const auto is_done = [&child](ForkStep step) { return !child.left_out[static_cast<std::size_t>(step)]; };
  /** Makes the call unless the step is left out. @return whether it failed */
  const auto has_failed = [&is_done, &failed](ForkStep step, const char* syscall, auto make) {
    return is_done(step) && failed(syscall, make());
  };
  /** The same for a step of several calls, which returns the name of the one that failed. */
  const auto has_named = [&is_done, &failed](ForkStep step, auto make) {
    if (!is_done(step)) return false;
    const char* const refused = make();
    return refused != nullptr && failed(refused, -1);
  };
  using enum ForkStep;
  pid_t self = 0;
  // Without a controlling terminal of the caller's, the command cannot type into it (TIOCSTI, tty(4)).
  // defence: command-no-controlling-terminal
  if (has_failed(kSession, "setsid", [&self] { return self = ::setsid(); })) return;
  // A build must not see who runs the host program (getlogin(2)). After setsid(2), which copies the name into the new
  // session; before, it would change the host program's.
  // defence: command-no-login-name
  if (has_failed(kLoginName, "setlogin", [] { return ::setlogin(""); })) return;
  // Until execve(2) the jail would see the arguments of the host program.
  // defence: command-launched-does-not
  if (has_failed(kArguments, "sysctl", [self] { return forget_arguments(self != 0 ? self : ::getpid()); })) return;
  // The mark of this command: what it starts inherits the class, and only root changes its own (setloginclass(2)).
  if (has_failed(kLoginClass, "setloginclass", [&] { return ::setloginclass(child.login_class); })) return;
  // No other process opens it: the kernel takes a terminal away from everybody when its controlling process ends.
  if (has_failed(kTerminal, "terminal", [&child] { return give_terminal(child); })) return;
  // A descriptor that is to be /dev/null is closed until the jail's own can be opened.
  if (has_failed(kStdio, "dup2", [&] { return set_stdio(child.stdio); })) return;
  // jail_attach(2) refuses a process with an open directory, so close-on-exec would come too late.
  // defence: command-no-descriptor-host
  if (has_failed(kCloseRange, "close_range", [] { return ::close_range(kFirstNotStdio, ~0U, 0); })) return;
  // Until execve(2) the child has our memory: no process of the jail may trace it. execve(2) ends this (procctl(2)).
  // defence: command-still-host-program
  if (has_failed(kTracing, "procctl", forbid_tracing)) return;
  // After that, which is refused to a process that the kernel traces already (procctl(2), EBUSY).
  // defence: session-traced-from-start
  if (const char* const refused = trace_paths(child.trace_file); refused != nullptr) {
    failed(refused, -1);
    return;
  }
  // The children of a protected host program may inherit the protection.
  // defence: command-not-protected-when
  if (has_failed(kProtection, "procctl", [&child] { return give_up_protection(child.self); })) return;
  if (has_failed(kCores, "setrlimit", forbid_cores)) return;
  if (has_named(kTerminals, [&child] { return bound_shared(child); })) return;
  if (is_of_stack(child.limits) && has_failed(kLimits, "rfork", unshare_memory)) return;
  // defence: processes-limits-command
  if (has_failed(kLimits, "setrlimit", [&] { return set_limits(child.limits); })) return;
  // While it may: a build that is root can take root's privileges from its jail (security.bsd.suser_enabled).
  // defence: command-declared-groups-only-2
  // defence: commands-groups-though-build
  if (has_failed(kGroups, "setgroups", [&] { return child.groups->call(); })) return;
  // defence: command-declared-group-id-2
  if (has_failed(kGid, "setresgid", [&] { return leave_group(child.gid); })) return;
  // jail_attach(2) refuses a process whose table the network of the jail lacks (rtables_check_proc_fib). All have this.
  if (child.fib && has_failed(kFib, "setfib", [] { return ::setfib(0); })) return;
  if (has_failed(kAttach, "jail_attach", [&] { return ::jail_attach(child.jail.jid); })) return;
  // The number may be another jail's by now, if root of the host has removed the session's.
  // defence: command-enters-no-jail
  if (has_failed(kRoot, "lstat", [&] { return confirm_root(child.jail, child.root); })) return;
  // In the jail, whose own network may have more routing tables than the host's, or fewer.
  if (child.fib && has_failed(kFib, "setfib", [&] { return ::setfib(*child.fib); })) return;
  // The jail's own, because the command could change the mode and the owner of the host's.
  if (has_failed(kNull, "open", [&] { return open_own_null(child.stdio); })) return;
  // defence: commands-groups-though-build-2
  if (is_done(kUmask)) ::umask(child.umask);
  // defence: command-declared-user-id-2
  if (has_failed(kUid, "setresuid", [&] { return leave_user(child.uid); })) return;
  // As the user of the command: a link in an output may lead through folders that are shut to it, and what is looked up
  // from that directory later goes through none of them again (chdir(2), EACCES).
  // defence: command-directory-as-user
  if (has_failed(kDirectory, "chdir", [&] { return ::chdir(child.working_directory); })) return;
  // defence: command-no-new-privileges-2
  if (has_failed(kNoNewPrivileges, "procctl", [] { return control(PROC_NO_NEW_PRIVS_CTL, PROC_NO_NEW_PRIVS_ENABLE); }))
    return;
  if (has_failed(kParentDeath, "procctl", [&] { return control(PROC_PDEATHSIG_CTL, child.parent_death_signal); }))
    return;
  if (failed("sysctl", look_at_self(child.self))) return;
  // Runtimes ignore SIGPIPE, and that would survive execve(2).
  if (has_named(kSignals, [&child] { return reset_signals(child.self); })) return;
  if (has_named(kSignals, unblock_signals)) return;
  child.is_executing = true;
  failed("execve", execute_first(child.candidates, child.argv, child.environment));
}

pid_t start(JailChild& child) {
  if (!is_of_stack(child.limits)) return vfork_child(run_jail_child, &child);
  // Shared, because the report of the child is read here and its other memory is a copy by then (mmap(2), MAP_SHARED).
  void* const memory = ::mmap(nullptr, sizeof(JailChild), PROT_READ | PROT_WRITE, MAP_ANON | MAP_SHARED, -1, 0);
  if (memory == MAP_FAILED) return -1;
  JailChild* const shared = std::construct_at(static_cast<JailChild*>(memory), child);
  const pid_t pid = vfork_child(run_jail_child, shared);
  const int err = errno;
  child = *shared;
  ::munmap(memory, sizeof(JailChild));
  errno = err;
  return pid;
}

SysError failure(const JailChild& child, const LaunchRequest& request) {
  SysError error{.step = child.stopped_at, .syscall = child.stopped_at, .err = child.err};
  if (error.step == "terminal") error.syscall = "open";
  if (error.step == "chdir") error.path = request.working_directory;
  if (error.step == "execve") error.path = request.argv.front();
  if (error.step == "open") error.path = "/dev/null";
  return error;
}

}  // namespace

Result<pid_t> start_jail_child(JailChild& child, LaunchRequest& request, int more_launches) {
  auto candidate_paths = executable_candidates(request);
  const CStrings candidates(candidate_paths);
  const CStrings argv(request.argv);
  const CStrings environment(request.environment);
  child.candidates = candidates.data();
  child.argv = argv.data();
  child.environment = environment.data();
  const auto has_died_early = [&child] { return !child.is_executing && child.stopped_at == nullptr; };
  pid_t pid = start(child);
  for (; pid > 0 && has_died_early() && more_launches > 0; --more_launches) {
    reap(pid);
    pid = start(child);
  }
  if (pid < 0) return last_error("vfork", "vfork");
  if (child.stopped_at == nullptr) return pid;
  reap(pid);
  return failure(child, request);
}

}  // namespace buildjail
