#include "linux/namespaces.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
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
#include "linux/mount_program.h"
#include "linux/overlays.h"
#include "linux/parts.h"
#include "linux/privileges.h"
#include "linux/processes.h"
#include "linux/raw_calls.h"
#include "linux/sources.h"

namespace buildjail {

namespace {

constexpr std::chrono::milliseconds kBound{10000};
/** The time in which an init ends that was told to; one that was stopped (SIGSTOP) cannot. */
constexpr std::chrono::milliseconds kTellBound{1000};
constexpr std::chrono::milliseconds kBusyImageBound{100};
/** The time in which the waiter hears that init has ended. */
constexpr std::chrono::milliseconds kHearBound{1000};
// defence: builds-end-before-host
constexpr std::string_view kFirstToGo = "1000";
constexpr int kControlInInit = 0;
constexpr int kImageInInit = 1;
constexpr int kMountsInInit = 2;
/** The lines of the maps of a session's own user namespace: those of users, and those of groups. */
using IdLines = std::pair<std::string, std::string>;

/** All that the child uses to become init, made before it exists, and what it reports. */
struct InitStart {
  const NamespaceOpening& opening;
  MountProgram& mounts;
  /** For what the plan allows. */
  const SystemCallFilter& filter;
  int control;
  /** The namespaces that the child makes itself (unshare(2)). */
  int unshared;
  /** The mount namespace to enter a copy of, or -1 if the child was made in a copy of the host's. */
  int empty_mounts;
  /** Null if the child was not made in a user namespace of the session's own. */
  const IdLines* ids;
  /** The lock that init has until it ends, or -1. */
  int lock;
  /** The descriptors that the child uses itself, in order; -1 is none. */
  std::span<const int> kept;
  /** The directory of the cgroup that it was made in, or -1. */
  int cgroup;
  std::int64_t began_ns = 0;
  std::int64_t ids_ns = 0;
  std::int64_t ended_ns = 0;
};

// In this order: the kernel refuses a gid map while groups can still be dropped (user_namespaces(7), setgroups).
bool map_ids(const IdLines& ids, Stopped& stopped) {
  const std::array<std::pair<const char*, std::string_view>, 3> files{
      {{"/proc/self/setgroups", "deny"}, {"/proc/self/uid_map", ids.first}, {"/proc/self/gid_map", ids.second}}};
  for (const auto& [path, text] : files) {
    if (!write_file("map-ids", path, text, stopped)) return false;
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
bool enter_user_namespace(const SessionIds& ids, int settings, Stopped& stopped) {
  if (!ids.are_leased()) return true;
  if (::setns(ids.user_namespace.get(), CLONE_NEWUSER) != 0) return stopped.at("user-namespace", "setns");
  if (ids.is_new) bound_shared_counts(settings);
  return true;
}

// A process that another thread was forking while the image was written has it open for writing until it executes.
bool execute_init(Stopped& stopped) {
  auto name = std::to_array("buildjail-init");
  const std::array<char*, 2> argv{name.data(), nullptr};
  const std::array<char*, 1> environment{nullptr};
  BackOff back_off(kBusyImageBound);
  do {
    raw::execveat(kImageInInit, argv.data(), environment.data());
  } while (errno == ETXTBSY && back_off.wait());
  return stopped.at("init", "execveat");
}

/** `0` stands for the process that writes it (cgroups(7)). The first cgroup is that in which it may be already. */
bool join_cgroups(std::span<const UniqueFd> entrances, bool is_in_first, Stopped& stopped) {
  for (const UniqueFd& entrance : entrances.subspan(is_in_first ? 1 : 0)) {
    if (::write(entrance.get(), "0", 1) != 1) return stopped.at("cgroup", "write", "the session's cgroup");
  }
  return true;
}

/** The child, up to the execution of init. */
bool become_init(InitStart& start, Stopped& stopped) {
  const NamespaceOpening& opening = start.opening;
  const EnvelopePlan& plan = opening.plan;
  const SessionIds& ids = opening.ids;
  const int network = opening.network->descriptor().get();
  if (stopped.failed("init", "setsid", ::setsid())) return false;
  if (stopped.failed("init", "rt_sigaction", reset_signals())) return false;
  // First, because the root of its cgroup namespace is the cgroup in which it makes that (cgroup_namespaces(7)).
  if (!join_cgroups(opening.cgroup.entrances().files, start.cgroup >= 0, stopped)) return false;
  if (network >= 0 && stopped.failed("clone", "setns", ::setns(network, CLONE_NEWNET))) return false;
  if (start.unshared != 0 && stopped.failed("clone", "unshare", ::unshare(start.unshared))) return false;
  start.began_ns = now_ns();
  // Init has its control as descriptor 0 and nothing else; its image closes as it is executed. Both are above 2
  // (above_stdio), so neither is where the other is put.
  if (stopped.failed("init", "dup2", ::dup2(start.control, kControlInInit))) return false;
  if (stopped.failed("init", "dup3", ::dup3(opening.host.init_image.get(), kImageInInit, O_CLOEXEC))) return false;
  if (start.empty_mounts >= 0) {
    if (stopped.failed("init", "dup3", ::dup3(start.empty_mounts, kMountsInInit, O_CLOEXEC))) return false;
    start.empty_mounts = kMountsInInit;
  }
  const unsigned unused = start.empty_mounts >= 0 ? kMountsInInit + 1 : kImageInInit + 1;
  // defence: init-no-descriptor-host
  if (stopped.failed("init", "close_range", close_from(unused, start.kept))) return false;
  if (start.lock >= 0 && stopped.failed("init", "fcntl", ::fcntl(start.lock, F_SETFD, 0))) return false;
  ::umask(0);
  if (start.ids != nullptr) {
    if (!map_ids(*start.ids, stopped)) return false;
    start.ids_ns = now_ns() - start.began_ns;
  }
  if (opening.network->lacks_loopback() && !bring_up_loopback(stopped)) return false;
  // A user namespace that was an earlier session's is bounded already.
  int settings = -1;
  if (start.ids != nullptr || (ids.are_leased() && ids.is_new)) {
    const Tolerated tolerated("without /proc/sys the session's user is not bounded");
    settings = ::open(kCountSettings, O_PATH | O_DIRECTORY | O_CLOEXEC);
  }
  if (start.ids != nullptr) bound_shared_counts(settings);
  // When memory runs out, the kernel kills a process with the highest score before any other. Only a process with
  // CAP_SYS_RESOURCE on the host can lower the score again (proc_pid_oom_score_adj(5)). The host program keeps its own
  // score although it shares our memory, because it waits as in vfork(2).
  if (!write_file("oom-score", "/proc/self/oom_score_adj", kFirstToGo, stopped)) return false;
  if (!start.mounts.make_root(start.empty_mounts, stopped)) return false;
  if (!start.mounts.fill_root(stopped)) return false;
  const std::string& name = plan.hostname;
  if (stopped.failed("hostname", "sethostname", ::sethostname(name.data(), name.size()))) return false;
  if (!plan.is_base && !start.mounts.seal_root(stopped)) return false;
  start.ended_ns = now_ns();
  // defence: command-session-keyring
  if (!make_session_keyring(stopped)) return false;
  if (!enter_user_namespace(ids, settings, stopped)) return false;
  // A session that is all the caller's has one user, so init needs no capability to launch a command.
  if (!bound_capabilities(plan.user, start.ids == nullptr, stopped)) return false;
  if (stopped.failed("init", "rt_sigprocmask", unblock_signals())) return false;
  // The filter is last, because it refuses the calls above. Without PR_SET_NO_NEW_PRIVS it needs a capability
  // (seccomp(2)).
  // defence: command-no-new-privileges
  if (stopped.failed("filter", "prctl", ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))) return false;
  // defence: every-session-filter-system
  if (stopped.failed("filter", "seccomp", start.filter.install())) return false;
  return execute_init(stopped);
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
constexpr int kByChild = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

int kinds_for(const EnvelopePlan& plan, const SessionIds& ids) {
  // defence: namespaces-of-its-own
  int kinds = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  // defence: network-of-its-own
  if (!plan.network.is_host()) kinds |= CLONE_NEWNET;
  if (ids.are_callers()) kinds |= CLONE_NEWUSER;
  return kinds;
}

SysError not_ended(pid_t init) {
  auto holders = processes_left_with(init);
  std::string detail = "a killed process did not end";
  if (!holders.empty()) detail += ", " + held_by(holders);
  return {
      .step = "reap", .syscall = "poll", .err = ETIMEDOUT, .detail = std::move(detail), .holders = std::move(holders)};
}

}  // namespace

Result<Namespaces> Namespaces::make(const NamespaceOpening& opening, Trace& trace) {
  const EnvelopePlan& plan = opening.plan;
  LinuxHost& host = opening.host;
  const CgroupEntrances& cgroup = opening.cgroup.entrances();
  auto ends = control_pair();
  if (!ends) return std::move(ends.error());
  auto& [ours, theirs] = *ends;
  const IdMap one_id = map_one(plan.user, ::geteuid(), ::getegid());
  const IdLines ids{map_text(one_id.uids), map_text(one_id.gids)};
  // By a number above 2, because the child has others there.
  const int locked = opening.journal.lock();
  const UniqueFd lock(locked < 0 ? -1 : ::fcntl(locked, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (locked >= 0 && !lock) return last_error("init", "fcntl");
  std::optional<SystemCallFilter> own;
  if (!plan.allowed.is_empty()) own.emplace(plan.allowed);
  const auto owners = SourceOwners::find(opening);
  if (!owners) return owners.error();
  MountProgram mounts(opening, *owners);
  if (auto status = mounts.look_at_host(); !status) return std::move(status.error());
  const int kinds = kinds_for(plan, opening.ids);
  int made = kinds;
  if (opening.network->descriptor()) made &= ~CLONE_NEWNET;
  const bool is_over_host = !host.mounts.descriptor || !mounts.can_copy_sources();
  int empty_mounts = -1;
  std::shared_ptr<const UniqueFd> etc;
  if (!is_over_host) {
    made &= ~CLONE_NEWNS;
    if (host.mounts.can_copy_copies) mounts.share_folders(host.mount_table.count());
    // The rest of a base may add to /etc.
    auto prepared = plan.is_base ? Result(etc) : host.etc.take(plan.steps, host.mounts.descriptor);
    if (!prepared) return std::move(prepared.error());
    etc = std::move(*prepared);
    if (etc) mounts.use_prepared_etc();
    empty_mounts = (etc ? *etc : host.mounts.descriptor).get();
  }
  const int ordinary = cgroup.files.empty() ? 0 : CLONE_NEWCGROUP;
  const int unshared = made & ((kinds & CLONE_NEWUSER) == 0 ? kByChild : ordinary);
  std::vector<int> kept = owners->descriptors();
  kept.insert(kept.end(), {opening.ids.user_namespace.get(), lock.get()});
  std::ranges::sort(kept);
  InitStart start{.opening = opening,
                  .mounts = mounts,
                  .filter = own ? *own : host.filter,
                  .control = theirs.get(),
                  .unshared = unshared,
                  .empty_mounts = empty_mounts,
                  .ids = (kinds & CLONE_NEWUSER) == 0 ? nullptr : &ids,
                  // defence: output-nobody-else-until
                  .lock = lock.get(),
                  .kept = kept,
                  .cgroup = cgroup.unified.get()};
  trace.mark("prepare");

  const std::int64_t began_ns = now_ns();
  auto init = execute_in_child(made & ~unshared, start.cgroup,
                               [&start](Stopped& stopped) { return become_init(start, stopped); });
  if (!init) return explain_overlay(std::move(init.error()));
  trace.add("clone", {}, start.began_ns - began_ns);
  if (start.ids != nullptr) trace.add("map-ids", {}, start.ids_ns);
  mounts.add_to(trace);
  trace.add("init", {}, now_ns() - start.ended_ns);
  return Namespaces(std::move(*init), std::make_shared<InitChannel>(std::move(ours)), is_over_host);
}

Status Namespaces::complete(const NamespaceOpening& opening, Trace& trace) {
  const auto owners = SourceOwners::find(opening);
  if (!owners) return owners.error();
  MountProgram mounts(opening, *owners);
  const std::string old_root = root();
  const int entered = CLONE_NEWNS | (opening.ids.are_callers() ? CLONE_NEWUSER : 0);
  const auto complete_in_child = [&](Stopped& stopped) {
    UniqueFd host;
    if (is_over_host_) {
      host.reset(::open(old_root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
      if (stopped.failed("complete", "open", host.get())) return false;
    } else if (!mounts.copy_sources(stopped)) {
      return false;
    }
    if (stopped.failed("complete", "setns", ::setns(init_.pidfd.get(), entered))) return false;
    ::umask(0);
    return mounts.find_root(host.get(), stopped) && mounts.fill_root(stopped) && mounts.seal_root(stopped);
  };
  auto status = run_in_child("complete", 0, complete_in_child);
  if (!status) return explain_overlay(std::move(status.error()));
  mounts.add_to(trace);
  return {};
}

Namespaces::~Namespaces() {
  if (!init_.pidfd || is_gone_) return;
  static_cast<void>(tell_to_end());
  static_cast<void>(wait_gone());
}

// Ends the channel, as the kernel does when this process dies.
Status Namespaces::tell_to_end() { return channel_->shut_down() ? Status() : kill_init(); }

Status Namespaces::kill_init() {
  if (raw::pidfd_send_signal(init_.pidfd.get(), SIGKILL) == 0 || errno == ESRCH) return {};
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
    pollfd ended{.fd = init_.pidfd.get(), .events = POLLIN, .revents = 0};
    return without_interruption([&] { return ::poll(&ended, 1, static_cast<int>(left_of(bound).count())); });
  };
  ssize_t ended = is_ended_in(kTellBound);
  if (ended == 0) {
    if (auto status = kill_init(); !status) return status;
    ended = is_ended_in(kBound);
  }
  if (ended < 0) return last_error("reap", "poll");
  if (ended == 0) return not_ended(init_.pid);
  // A tracer of init waits for it first (ptrace(2)), and no descriptor reports when it has.
  BackOff back_off(left_of(kBound));
  for (;;) {
    if (without_interruption([this] { return ::waitpid(init_.pid, nullptr, __WALL | WNOHANG); }) != 0) break;
    if (!back_off.wait()) return not_ended(init_.pid);
  }
  is_gone_ = true;
  return {};
}

Status SessionNamespaces::set(Namespaces made) {
  const auto channel = made.channel();
  {
    const std::lock_guard lock(mutex_);
    namespaces_ = std::make_shared<Namespaces>(std::move(made));
  }
  return waiter_->watch_channel(owner_, channel->fd(),
                                [channel, waiter = waiter_.get()] { return channel->read(*waiter); });
}

Status SessionNamespaces::end_processes(Trace& trace) {
  const auto inside = get();
  if (!inside) return {};
  // This waits for no launch first: one that hangs inside ends with init.
  if (auto status = inside->tell_to_end(); !status) return status;
  trace.mark("kill");
  if (auto status = inside->wait_gone(); !status) return status;
  // The waiter hears of the end by the channel, and then knows that the commands have ended too.
  static_cast<void>(waiter_->wait_reaped(owner_, kHearBound));
  waiter_->forget_channel(owner_, inside->channel()->fd());
  trace.mark("reap");
  const std::lock_guard lock(mutex_);
  namespaces_.reset();
  return {};
}

void InitPart::add_planned(const NamespaceOpening& opening, Parts& parts) {
  if (!opening.is_rest) parts.push_back(std::make_unique<InitPart>(opening));
}

Status InitPart::make(Trace& trace) {
  auto made = Namespaces::make(opening_, trace);
  if (!made) return std::move(made.error());
  opening_.network->is_in_use(made->init());
  if (auto status = opening_.inside.set(std::move(*made)); !status || opening_.cgroup.is_none()) return status;
  auto held = opening_.cgroup.hold();
  if (held) trace.mark("limits");
  return held;
}

Status InitPart::take_away(TakingAway& taking) { return opening_.inside.end_processes(taking.trace); }

void RestPart::add_planned(const NamespaceOpening& opening, Parts& parts) {
  if (opening.is_rest) parts.push_back(std::make_unique<RestPart>(opening));
}

Status RestPart::make(Trace& trace) { return opening_.inside.get()->complete(opening_, trace); }

}  // namespace buildjail
