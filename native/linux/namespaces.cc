#include "linux/namespaces.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include "base/back_off.h"
#include "base/tolerated.h"
#include "base/unique_fd.h"
#include "linux/child.h"
#include "linux/init/messages.h"
#include "linux/mount_program.h"
#include "linux/networks.h"
#include "linux/overlays.h"
#include "linux/privileges.h"
#include "linux/processes.h"
#include "linux/raw_calls.h"
#include "linux/root_contents.h"
#include "linux/sources.h"
#include "linux/user_namespaces.h"

namespace buildjail {

namespace {

constexpr std::chrono::milliseconds kBound{10000};
/** The time in which an init ends that was told to; one that was stopped (SIGSTOP) cannot. */
constexpr std::chrono::milliseconds kTellBound{1000};
constexpr std::chrono::milliseconds kBusyImageBound{100};
constexpr int kControlInInit = 0;
constexpr int kImageInInit = 1;
constexpr int kMountsInInit = 2;
/** Copies of sources are descriptors, of which a process can have a limited number. */
constexpr std::size_t kMostCopies = 640;
constexpr std::size_t kOtherDescriptors = 32;

/** The lines of the maps of a session's own user namespace. */
struct IdLines {
  std::string uid;
  std::string gid;
};

/** All that the child uses to become init, made before it exists, and what it reports. */
struct InitStart {
  int control;
  int image;
  /** The network namespace to enter, or -1. */
  int network;
  /** Whether it brings up the loopback of a network that it makes. */
  bool brings_up_loopback;
  /** The namespaces that the child makes itself (unshare(2)). */
  int unshared;
  /** The mount namespace to enter a copy of, or -1 if the child was made in a copy of the host's. */
  int empty_mounts;
  /** Null if the child was not made in a user namespace of the session's own. */
  const IdLines* ids;
  /** The user namespace to enter before it becomes init, or -1. */
  int user_namespace;
  bool is_user_namespace_new;
  /** The lock that init has until it ends, or -1. */
  int lock;
  /** The descriptors that the child uses itself, in order; -1 is none. */
  std::span<const int> kept;
  /** The entrances of cgroups that the child is not made in. */
  std::span<const UniqueFd> cgroups;
  const std::string* hostname;
  const BuildUser& user;
  MountProgram* mounts;
  bool is_base;
  const SystemCallFilter* filter;
  char* const* argv;
  char* const* environment;
  std::int64_t began_ns = 0;
  std::int64_t ids_ns = 0;
  std::int64_t ended_ns = 0;
  Stopped stopped{};
};

// In this order: the kernel refuses a gid map while groups can still be dropped (user_namespaces(7), setgroups).
bool map_ids(const IdLines& ids, Stopped& stopped) {
  const std::array<std::pair<const char*, std::string_view>, 3> files{
      {{"/proc/self/setgroups", "deny"}, {"/proc/self/uid_map", ids.uid}, {"/proc/self/gid_map", ids.gid}}};
  for (const auto& [path, text] : files) {
    const char* const refused = write_file(path, text);
    if (refused == nullptr) continue;
    return stopped.at("map-ids", refused, path);
  }
  return true;
}

/** Closes all from `first` on but those, which are in order. */
int close_from(unsigned first, std::span<const int> but) {
  for (const int kept : but) {
    if (kept < 0) continue;
    const auto number = static_cast<unsigned>(kept);
    if (number > first && raw::close_range(first, number - 1) != 0) return -1;
    first = number + 1;
  }
  return raw::close_range(first);
}

// Init keeps the number of the host's root, which no process inside can have: to each of them it is another user, whom
// it may not reach (prlimit(2), setpriority(2), sched_setaffinity(2)). The memory that the child shares stays as
// dumpable as it was, because the host program made the namespace.
const char* enter_user_namespace(const InitStart& start, int settings) {
  if (::setns(start.user_namespace, CLONE_NEWUSER) != 0) return "setns";
  if (start.is_user_namespace_new) bound_shared_counts(settings);
  return nullptr;
}

// A process that another thread was forking while the image was written has it open for writing until it executes.
void execute_init(const InitStart& start) {
  BackOff back_off(kBusyImageBound);
  do {
    raw::execveat(kImageInInit, start.argv, start.environment);
  } while (errno == ETXTBSY && back_off.wait());
}

/** `0` stands for the process that writes it (cgroups(7)). */
int join_cgroups(std::span<const UniqueFd> entrances) {
  for (const UniqueFd& entrance : entrances) {
    if (::write(entrance.get(), "0", 1) != 1) return -1;
  }
  return 0;
}

void run_child(void* context) {
  auto& start = *static_cast<InitStart*>(context);
  Stopped& stopped = start.stopped;
  const auto failed = [&stopped](const char* step, const char* syscall, int result, const char* path = "") {
    return stopped.failed(step, syscall, result, path);
  };
  if (failed("init", "setsid", ::setsid())) return;
  if (failed("init", "rt_sigaction", reset_signals())) return;
  // First, because the root of its cgroup namespace is the cgroup in which it makes that (cgroup_namespaces(7)).
  if (failed("cgroup", "write", join_cgroups(start.cgroups), "the session's cgroup")) return;
  if (start.network >= 0 && failed("clone", "setns", ::setns(start.network, CLONE_NEWNET))) return;
  if (start.unshared != 0 && failed("clone", "unshare", ::unshare(start.unshared))) return;
  start.began_ns = now_ns();
  // Init has its control as descriptor 0 and nothing else; its image closes as it is executed. Both are above 2
  // (above_stdio), so neither is where the other is put.
  if (failed("init", "dup2", ::dup2(start.control, kControlInInit))) return;
  if (failed("init", "dup3", ::dup3(start.image, kImageInInit, O_CLOEXEC))) return;
  if (start.empty_mounts >= 0) {
    if (failed("init", "dup3", ::dup3(start.empty_mounts, kMountsInInit, O_CLOEXEC))) return;
    start.empty_mounts = kMountsInInit;
  }
  const unsigned unused = start.empty_mounts >= 0 ? kMountsInInit + 1 : kImageInInit + 1;
  // defence: init-no-descriptor-host
  if (failed("init", "close_range", close_from(unused, start.kept))) return;
  if (start.lock >= 0 && failed("init", "fcntl", ::fcntl(start.lock, F_SETFD, 0))) return;
  ::umask(0);
  if (start.ids != nullptr) {
    if (!map_ids(*start.ids, stopped)) return;
    start.ids_ns = now_ns() - start.began_ns;
  }
  if (start.brings_up_loopback) {
    const char* const refused = bring_up_loopback();
    if (refused != nullptr && failed("network", refused, -1, "lo")) return;
  }
  // A user namespace that was an earlier session's is bounded already.
  int settings = -1;
  if (start.ids != nullptr || start.is_user_namespace_new) {
    const Tolerated tolerated("without /proc/sys the session's user is not bounded");
    settings = ::open(kCountSettings, O_PATH | O_DIRECTORY | O_CLOEXEC);
  }
  if (start.ids != nullptr) bound_shared_counts(settings);
  if (const char* const refused = go_first_when_memory_runs_out()) {
    failed("oom-score", refused, -1, kOomScoreFile);
    return;
  }
  if (!start.mounts->make_root(start.empty_mounts, stopped)) return;
  if (!start.mounts->fill_root(stopped)) return;
  if (failed("hostname", "sethostname", ::sethostname(start.hostname->data(), start.hostname->size()))) return;
  if (!start.is_base && !start.mounts->seal_root(stopped)) return;
  start.ended_ns = now_ns();
  // defence: command-session-keyring
  if (failed("init", "keyctl", make_session_keyring())) return;
  if (start.user_namespace >= 0) {
    const char* const refused = enter_user_namespace(start, settings);
    if (refused != nullptr && failed("user-namespace", refused, -1)) return;
  }
  // The user of a session that is all the caller's has no other to launch commands as.
  const char* const unbounded = bound_capabilities(start.user, start.ids == nullptr);
  if (unbounded != nullptr && failed("init", unbounded, -1)) return;
  if (failed("init", "rt_sigprocmask", unblock_signals())) return;
  // Last, because the filter refuses the calls above. Without the first it would need a capability (seccomp(2)).
  // defence: command-no-new-privileges
  if (failed("filter", "prctl", ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))) return;
  // defence: every-session-filter-system
  if (failed("filter", "seccomp", start.filter->install())) return;
  execute_init(start);
  failed("init", "execveat", -1);
}

struct Completing {
  int pidfd;
  int kinds;
  /** Null, or the root of init while that of a base still is the host's (proc_pid_root(5)). */
  const char* host;
  MountProgram* mounts;
  bool is_done = false;
  Stopped stopped{};
};

void run_completing(void* context) {
  auto& completing = *static_cast<Completing*>(context);
  Stopped& stopped = completing.stopped;
  MountProgram& mounts = *completing.mounts;
  int host = -1;
  if (completing.host != nullptr) {
    host = ::open(completing.host, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (stopped.failed("complete", "open", host)) return;
  } else if (!mounts.copy_sources(stopped)) {
    return;
  }
  const int entered = ::setns(completing.pidfd, completing.kinds & (CLONE_NEWNS | CLONE_NEWUSER));
  if (stopped.failed("complete", "setns", entered)) return;
  ::umask(0);
  completing.is_done = mounts.find_root(host, stopped) && mounts.fill_root(stopped) && mounts.seal_root(stopped);
}

Result<std::array<UniqueFd, 2>> control_pair() {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0)
    return last_error("init", "socketpair");
  std::array<UniqueFd, 2> ends{above_stdio(UniqueFd(pair[0])), above_stdio(UniqueFd(pair[1]))};
  if (!ends[0] || !ends[1]) return last_error("init", "fcntl");
  // The kernel adds the sender to each message that arrives here (unix(7)).
  const int on = 1;
  if (::setsockopt(ends[0].get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0)
    return last_error("init", "setsockopt");
  return ends;
}

/**
 * The namespaces that a child of root's makes by unshare(2), and that are not made with it. They are the most expensive
 * part of a session. In the child, once it has called setsid(2), they take processor time from its own share and not
 * from that of the host program, whose event loop waits for its turn (sched(7), autogroup).
 */
int unshared_of(int made) {
  constexpr int kByChild = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  return (made & CLONE_NEWUSER) == 0 ? made & kByChild : 0;
}

int kinds_for(const EnvelopePlan& plan, const SessionIds& ids) {
  // defence: namespaces-of-its-own
  int kinds = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  // defence: network-of-its-own
  if (!plan.network.is_host()) kinds |= CLONE_NEWNET;
  if (ids.are_callers()) kinds |= CLONE_NEWUSER;
  return kinds;
}

/** Whether there are enough descriptors to copy every source before it is mounted. */
bool can_take_along(const MountProgram& mounts) {
  rlimit descriptors{};
  const Tolerated tolerated("the sources are then looked up in a copy of the host's mounts");
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return false;
  const std::size_t count = mounts.most_copies();
  return count <= kMostCopies && count + kOtherDescriptors <= descriptors.rlim_cur;
}

pid_t clone_init(const CgroupEntrances& cgroup, int flags, InitStart& start, ChildStack& stack, int* pidfd) {
  if (cgroup.unified) {
    const auto moved_into = std::exchange(start.cgroups, start.cgroups.subspan(1));
    const pid_t init = clone_child_into(cgroup.unified.get(), flags, run_child, &start, stack, pidfd);
    // A container may refuse clone3(2), or this flag.
    if (init >= 0 || (errno != ENOSYS && errno != EPERM && errno != EINVAL)) return init;
    start.cgroups = moved_into;
  }
  return clone_child(flags, run_child, &start, stack, pidfd);
}

SysError not_ended(pid_t init) {
  auto holders = processes_left_with(init);
  std::string detail = "a killed process did not end";
  if (!holders.empty()) detail += ", " + held_by(holders);
  return {
      .step = "reap", .syscall = "poll", .err = ETIMEDOUT, .detail = std::move(detail), .holders = std::move(holders)};
}

}  // namespace

Result<Namespaces> Namespaces::make(const EnvelopePlan& plan, const Resources& resources, Trace& trace) {
  auto ends = control_pair();
  if (!ends) return std::move(ends.error());
  auto& [ours, theirs] = *ends;
  const IdMap one_id = map_one(plan.user, ::geteuid(), ::getegid());
  const IdLines ids{.uid = map_text(one_id.uids), .gid = map_text(one_id.gids)};
  // By a number above 2, because the child has others there.
  const UniqueFd lock(resources.lock < 0 ? -1 : ::fcntl(resources.lock, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (resources.lock >= 0 && !lock) return last_error("init", "fcntl");
  if (auto status = confirm_named_devices(plan); !status) return std::move(status.error());
  const auto owners = SourceOwners::find(plan.steps, resources.ids, plan.user, resources.overlays);
  if (!owners) return owners.error();
  const UserNamespace& leased = resources.ids.leased();
  MountProgram mounts(plan, leased ? std::optional(leased.map.root_outside()) : std::nullopt, *owners,
                      resources.nesting);
  if (auto status = mounts.find_hidden(plan.user.uid == 0); !status) return std::move(status.error());
  std::string name = "buildjail-init";
  const std::array<char*, 2> argv{name.data(), nullptr};
  const std::array<char*, 1> environment{nullptr};
  const int kinds = kinds_for(plan, resources.ids);
  const bool is_over_host = !resources.mounts.descriptor || !can_take_along(mounts);
  if (!is_over_host && resources.mounts.can_copy_copies) mounts.share_folders();
  const bool has_etc = !is_over_host && resources.etc != nullptr;
  if (has_etc) mounts.use_prepared_etc();
  int made = kinds;
  if (resources.network) made &= ~CLONE_NEWNET;
  if (!is_over_host) made &= ~CLONE_NEWNS;
  const int unshared = unshared_of(made) | (resources.cgroup.files.empty() ? 0 : made & CLONE_NEWCGROUP);
  std::vector<int> kept = owners->descriptors();
  kept.insert(kept.end(), {leased.descriptor.get(), lock.get()});
  std::ranges::sort(kept);
  InitStart start{.control = theirs.get(),
                  .image = resources.init_image.get(),
                  .network = resources.network.get(),
                  .brings_up_loopback = resources.brings_up_loopback,
                  .unshared = unshared,
                  .empty_mounts = is_over_host ? -1 : (has_etc ? *resources.etc : resources.mounts.descriptor).get(),
                  .ids = (kinds & CLONE_NEWUSER) == 0 ? nullptr : &ids,
                  .user_namespace = leased.descriptor.get(),
                  .is_user_namespace_new = leased && leased.is_new,
                  // defence: output-nobody-else-until
                  .lock = lock.get(),
                  .kept = kept,
                  .cgroups = resources.cgroup.files,
                  .hostname = &plan.hostname,
                  .user = plan.user,
                  .mounts = &mounts,
                  .is_base = plan.is_base,
                  .filter = &resources.filter,
                  .argv = argv.data(),
                  .environment = environment.data()};
  trace.mark("prepare");

  ChildStack stack;
  int pidfd = -1;
  const std::int64_t began_ns = now_ns();
  const pid_t init = clone_init(resources.cgroup, made & ~unshared, start, stack, &pidfd);
  if (init < 0) return last_error("clone", "clone");
  UniqueFd owned_pidfd = above_stdio(UniqueFd(pidfd));
  if (start.stopped.syscall != nullptr) {
    reap_clone(init);
    return explain_overlay(error_of(start.stopped));
  }
  trace.add("clone", {}, start.began_ns - began_ns);
  if (start.ids != nullptr) trace.add("map-ids", {}, start.ids_ns);
  mounts.add_to(trace);
  trace.add("init", {}, now_ns() - start.ended_ns);
  return Namespaces(init, std::move(owned_pidfd), std::make_shared<InitChannel>(std::move(ours)), kinds, is_over_host);
}

Status Namespaces::complete(const std::vector<Step>& rest, const Nesting& nesting, const SessionIds& ids,
                            const BuildUser& user, Trace& trace) {
  const auto owners = SourceOwners::find(rest, ids, user, SourceOwners::Overlays::kMapped);
  if (!owners) return owners.error();
  MountProgram mounts(rest, *owners, nesting);
  const std::string host = root();
  Completing completing{
      .pidfd = pidfd_.get(), .kinds = kinds_, .host = is_over_host_ ? host.c_str() : nullptr, .mounts = &mounts};
  ChildStack stack;
  const pid_t child = clone_child(0, run_completing, &completing, stack);
  if (child < 0) return last_error("complete", "clone");
  reap_clone(child);
  if (completing.stopped.syscall != nullptr) return explain_overlay(error_of(completing.stopped));
  if (!completing.is_done) {
    return SysError{
        .step = "complete", .syscall = "clone", .err = ECANCELED, .detail = "the completing child was killed"};
  }
  mounts.add_to(trace);
  return {};
}

Namespaces::~Namespaces() {
  if (!pidfd_ || is_gone_) return;
  static_cast<void>(tell_to_end());
  static_cast<void>(wait_gone());
}

// Ends the channel, as the kernel does when this process dies.
Status Namespaces::tell_to_end() { return channel_->shut_down() ? Status() : kill_init(); }

Status Namespaces::kill_init() {
  if (raw::pidfd_send_signal(pidfd_.get(), SIGKILL) == 0 || errno == ESRCH) return {};
  return last_error("kill", "pidfd_send_signal");
}

Status Namespaces::wait_gone() {
  if (is_gone_) return {};
  const auto began = std::chrono::steady_clock::now();
  const auto left_of = [began](std::chrono::milliseconds bound) {
    const auto left = began + bound - std::chrono::steady_clock::now();
    return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(left), std::chrono::milliseconds(0));
  };
  const auto is_ended_in = [&](std::chrono::milliseconds bound) {
    pollfd ended{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
    return without_interruption([&] { return ::poll(&ended, 1, static_cast<int>(left_of(bound).count())); });
  };
  ssize_t ended = is_ended_in(kTellBound);
  if (ended == 0) {
    if (auto status = kill_init(); !status) return status;
    ended = is_ended_in(kBound);
  }
  if (ended < 0) return last_error("reap", "poll");
  if (ended == 0) return not_ended(init_);
  // A tracer of init waits for it first (ptrace(2)), and no descriptor reports when it has.
  BackOff back_off(left_of(kBound));
  for (;;) {
    if (without_interruption([this] { return ::waitpid(init_, nullptr, __WALL | WNOHANG); }) != 0) break;
    if (!back_off.wait()) return not_ended(init_);
  }
  is_gone_ = true;
  return {};
}

}  // namespace buildjail
