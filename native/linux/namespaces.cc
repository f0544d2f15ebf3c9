#include "linux/namespaces.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <iterator>
#include <new>
#include <span>
#include <string_view>

#include "base/back_off.h"
#include "base/tolerated.h"
#include "linux/folder_modes.h"
#include "linux/listeners.h"
#include "linux/overlays.h"
#include "linux/parts.h"
#include "linux/privileges.h"
#include "linux/processes.h"
#include "linux/raw_calls.h"
#include "linux/root.h"
#include "linux/root_contents.h"
#include "linux/shared_counts.h"
#include "linux/sources.h"
#include "state/file_state.h"
#include "state/files.h"

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
constexpr mode_t kUmask = 022;

bool can_make_devices() {
  constexpr unsigned kMemoryMajor = 1;
  constexpr unsigned kNull = 3;
  return ::mknod("null", S_IFCHR | 0666, ::makedev(kMemoryMajor, kNull)) == 0 && ::unlink("null") == 0;
}

// The descriptor is ours too, by CLONE_FILES, and keeps the namespace when the child has ended (namespaces(7)).
bool make_in_child(UniqueFd& made) {
  made.reset(::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  if (!made || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  const UniqueFd fs(raw::fsopen("tmpfs"));
  if (!fs || raw::fsconfig(fs.get(), raw::kFsCreate, nullptr, nullptr) != 0) return false;
  const UniqueFd root(raw::fsmount(fs.get(), raw::kNoSuid | raw::kNoExec));
  if (!root || raw::move_mount(root.get(), AT_FDCWD, "/") != 0 || ::fchdir(root.get()) != 0) return false;
  if (!can_make_devices()) return false;
  if (raw::mount_setattr(root.get(), 0, {.set = raw::kReadOnly | raw::kNoDev}) != 0) return false;
  return raw::pivot_root(".", ".") == 0 && ::umount2(".", MNT_DETACH) == 0;
}

/** All that the child uses to become init, made before it exists. */
struct InitStart {
  const NamespaceHost& host;
  const Birth& birth;
  const Joined& joined;
  int control;
  /** The namespaces that the child makes itself (unshare(2)). */
  int unshared;
  /** The directory of the cgroup that it was made in, or -1. */
  int cgroup;
};

// In this order: the kernel refuses a gid map while groups can still be dropped (user_namespaces(7), setgroups).
bool map_ids(const Birth& birth, Stopped& stopped) {
  const std::array<std::pair<const char*, std::string_view>, 3> files{
      {{"/proc/self/setgroups", "deny"}, {"/proc/self/uid_map", birth.uid_map}, {"/proc/self/gid_map", birth.gid_map}}};
  for (const auto& [path, text] : files) {
    if (!write_file("map-ids", path, text, stopped)) return false;
  }
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

// It looks for no session's mounts but in a copy of the empty ones.
bool enter_empty_mounts(int mounts, Stopped& stopped) {
  if (::setns(mounts, CLONE_NEWNS) != 0) return stopped.at("mount", "setns", "/");
  return ::unshare(CLONE_NEWNS) == 0 || stopped.at("mount", "unshare", "/");
}

/** The child, up to the execution of init. */
bool become_init(InitStart& start, Stopped& stopped) {
  const auto& [network, cgroup] = start.joined;
  const int empty_mounts = start.host.empty_mounts.get();
  const bool is_over_host = start.host.is_over_host();
  if (stopped.failed("init", "setsid", ::setsid())) return false;
  if (stopped.failed("init", "rt_sigaction", reset_signals())) return false;
  // First, because the root of its cgroup namespace is the cgroup in which it makes that (cgroup_namespaces(7)).
  if (cgroup != nullptr && !join_cgroups(cgroup->files, start.cgroup >= 0, stopped)) return false;
  if (network >= 0 && stopped.failed("clone", "setns", ::setns(network, CLONE_NEWNET))) return false;
  if (start.unshared != 0 && stopped.failed("clone", "unshare", ::unshare(start.unshared))) return false;
  // Init has its control as descriptor 0 and nothing else; its image closes as it is executed. All are above 2
  // (above_stdio), so none is where another is put.
  if (stopped.failed("init", "dup2", ::dup2(start.control, kControlInInit))) return false;
  if (stopped.failed("init", "dup3", ::dup3(start.host.init_image.get(), kImageInInit, O_CLOEXEC))) return false;
  if (!is_over_host && stopped.failed("init", "dup3", ::dup3(empty_mounts, kMountsInInit, O_CLOEXEC))) return false;
  // defence: init-no-descriptor-host
  if (stopped.failed("init", "close_range", raw::close_range(is_over_host ? kMountsInInit : kMountsInInit + 1)))
    return false;
  if (start.birth.is_callers() && !map_ids(start.birth, stopped)) return false;
  // When memory runs out, the kernel kills a process with the highest score before any other. Only a process with
  // CAP_SYS_RESOURCE on the host can lower the score again (proc_pid_oom_score_adj(5)). The host program keeps its own
  // score although it shares our memory, because it waits as in vfork(2).
  if (!write_file("oom-score", "/proc/self/oom_score_adj", kFirstToGo, stopped)) return false;
  if (!is_over_host && !enter_empty_mounts(kMountsInInit, stopped)) return false;
  // defence: command-session-keyring
  if (!make_session_keyring(stopped)) return false;
  if (start.birth.is_callers() && !keep_capabilities(stopped)) return false;
  if (stopped.failed("init", "rt_sigprocmask", unblock_signals())) return false;
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

int kinds_for(const Birth& birth) {
  // defence: namespaces-of-its-own
  int kinds = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  // defence: network-of-its-own
  if (birth.has_network) kinds |= CLONE_NEWNET;
  if (birth.is_callers()) kinds |= CLONE_NEWUSER;
  return kinds;
}

Birth birth_of(const NamespaceOpening& opening) {
  const PlannedNetwork& network = opening.plan.network;
  Birth birth{.caller = ::geteuid(), .has_network = !network.is_host() && !network.is_handed_in()};
  if (!opening.ids.are_callers()) return birth;
  const IdMap one_id = map_one(opening.plan.user, ::geteuid(), ::getegid());
  birth.uid_map = map_text(one_id.uids);
  birth.gid_map = map_text(one_id.gids);
  return birth;
}

constexpr const char* kNetwork = "network";

SysError no_network(const std::string& path) {
  return {.step = kNetwork,
          .syscall = "ioctl",
          .err = EINVAL,
          .path = path,
          .detail = "it is no network namespace (namespaces(7))"};
}

/**
 * Opens a network namespace that is handed in, at a path of the host, for setns(2). EINVAL, without opening it, if it
 * is anything else.
 */
Result<UniqueFd> open_network(const std::string& path) {
  const UniqueFd found(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!found) return last_error(kNetwork, "open", path);
  struct statfs system{};
  if (::fstatfs(found.get(), &system) != 0) return last_error(kNetwork, "fstatfs", path);
  // defence: no-network-namespace-not
  if (system.f_type != NSFS_MAGIC) return no_network(path);
  UniqueFd descriptor = above_stdio(UniqueFd(::open(DescriptorPath(found.get()).get(), O_RDONLY | O_CLOEXEC)));
  if (!descriptor) return last_error(kNetwork, "open", path);
  if (::ioctl(descriptor.get(), NS_GET_NSTYPE) != CLONE_NEWNET) return no_network(path);
  return descriptor;
}

/** Brings up the loopback of the session's network, with 127.0.0.1 and ::1 (netdevice(7)). */
void bring_up_loopback(InitCalls& calls) {
  const CallSite site{.step = kNetwork, .path = "lo"};
  // The kernel adds both addresses when it is brought up.
  ifreq loopback{};
  std::memcpy(loopback.ifr_name, "lo", sizeof("lo"));
  loopback.ifr_flags = IFF_UP;
  calls.make(site, kCall_socket, {AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0}).into(kOpened);
  calls.make(site, kCall_ioctl, {kOpened, SIOCSIFFLAGS, CallArgument::bytes(loopback)});
  calls.make(site, kCall_close, {kOpened});
}

void leave_host(InitCalls& calls) {
  const CallSite site{.step = "pivot-root", .path = "/"};
  // pivot_root(2), "pivot_root(".", ".")": the host's root ends up mounted over ours, and is unmounted.
  calls.make(site, kCall_pivot_root, {".", "."});
  // defence: host-root-taken-off
  calls.make(site, kCall_umount2, {".", MNT_DETACH});
  calls.make(site, kCall_chdir, {"/"});
}

// Over the host's mounts, these come and go as outside until all sources are mounted, so that no blank keeps one that
// the host unmounts (mount_namespaces(7), shared subtrees).
Status make_blank_root(const NamespaceHost& host, const Birth& birth, InitCalls& calls) {
  if (birth.is_callers()) {
    if (auto status = bound_limits(calls); !status) return status;
    bound_settings(calls);
  }
  if (host.is_over_host()) calls.make({.step = "private", .path = "/"}, kCall_mount, {0, "/", 0, MS_REC | MS_SLAVE, 0});
  make_root(host.is_over_host(), calls);
  make_dev(host.is_over_host(), calls);
  auto status = make_proc(calls);
  for (const Slot used : {kOpened, kCopied}) calls.make({.step = "init"}, kCall_close, {used});
  return status;
}

constexpr unsigned kMiscellaneous = 10;

/** Whether it is userfaultfd(2)'s, whose number the kernel chooses. */
bool is_userfaultfd(std::uint64_t device) {
  if (major(device) != kMiscellaneous) return false;
  const Tolerated tolerated("the session then has no listener");
  const auto list = read_text_file("filter", "/proc/misc");
  return !list || list->find(std::to_string(minor(device)) + " userfaultfd\n") != std::string::npos;
}

bool has_device(const std::vector<Step>& steps, bool (*is_wanted)(std::uint64_t device)) {
  return std::ranges::any_of(steps, [&](const Step& step) {
    const auto* const dev = std::get_if<MountDev>(&step);
    return dev != nullptr && std::ranges::any_of(dev->devices, is_wanted, &NamedDevice::number);
  });
}

/**
 * Whether a look at a path could wait for the build, and with it the thread that answers calls for all sessions. So it
 * does where the build serves the file system (fuse(4)), or where it serves the page fault of a call of its own that
 * holds the folder, such as getdents(2) (userfaultfd(2)).
 */
bool may_hold_up_looks(const EnvelopePlan& plan) {
  if (plan.allowed.has(Allowance::kUserfaultfd) || has_device(plan.steps, is_userfaultfd)) return true;
  constexpr auto kFuse = [](std::uint64_t device) { return device == ::makedev(kMiscellaneous, 229); };
  return plan.allowed.has(Allowance::kUserNamespaces) && has_device(plan.steps, kFuse);
}

/**
 * Installs the filter with a listener, and shows that to this process; without one where the kernel has none to give:
 * before Linux 5.0, and where this process is itself in a filter with a listener, which may have no other below it.
 * Without a listener there is no trace.
 */
void install_filter(const SessionFilter& filter, bool must_tell, InitCalls& calls) {
  const CallSite site{.step = "filter"};
  if (!filter.listened.tells()) {
    calls.install_filter(site, filter.alone.program());
    calls.mark("init", {});
    return;
  }
  {
    const Tolerated tolerated("one of these filters is enough, and without any the session is not opened");
    const auto& program = filter.listened.program();
    calls.install_filter(site, program, kNewListener | kWaitsKillable).into(kListener);
    calls.may_fail(kAnyError).unless_it_works(must_tell ? 1 : 2);
    // Before Linux 5.19.
    calls.install_filter(site, program, kNewListener).into(kListener);
    if (!must_tell) {
      calls.may_fail(kAnyError).unless_it_works(1);
      calls.install_filter(site, filter.alone.program());
    }
  }
  calls.mark("init", {});
  calls.show(kListener);
  // The seal closes it too, and is told with the next call.
  calls.make(site, kCall_close, {kListener}).may_fail(kAnyError);
}

/** Makes the root read-only and the only one, and gives up every right that a command may not have. */
Status seal(const NamespaceOpening& opening, InitCalls& calls) {
  const EnvelopePlan& plan = opening.plan;
  const SessionIds& ids = opening.ids;
  calls.begin_step();
  if (ids.are_hosts()) {
    if (auto status = bound_limits(calls); !status) return status;
  }
  if (plan.network.kind == PlannedNetwork::Kind::kLoopback) bring_up_loopback(calls);
  if (plan.network.is_of_names()) {
    bring_up_loopback(calls);
    const AllowedNames names(plan.network, NamesInIpv6::kMapped);
    if (auto status = names.confirm(); !status) return status;
    if (auto status = opening.host.network.start(); !status) return status;
    make_listeners(names, calls);
    opening.inside.await_sockets(count_listeners(names));
  }
  calls.make({.step = "hostname"}, kCall_sethostname, {plan.hostname, plan.hostname.size()});
  // defence: root-read-only
  calls.set_attributes({.step = "seal-root", .path = "/"}, kRootSlot, {.set = raw::kReadOnly});
  if (opening.host.namespaces.is_over_host()) leave_host(calls);
  calls.mark("seal-root", "/");

  // Init keeps the number of the host's root, which no process inside can have: to each of them it is another user,
  // whom it may not reach (prlimit(2), setpriority(2), sched_setaffinity(2)).
  if (ids.are_leased()) {
    UniqueFd entered(::fcntl(ids.user_namespace.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!entered) return last_error("user-namespace", "fcntl");
    calls.make({.step = "user-namespace"}, kCall_setns, {calls.pass(std::move(entered)), CLONE_NEWUSER});
    // Other credentials can make it dumpable (PR_SET_DUMPABLE(2const)).
    calls.make({.step = "init"}, kCall_prctl, {PR_SET_DUMPABLE, 0, 0, 0, 0});
  }
  // A session that is all the caller's has one user, so init needs no capability to launch a command.
  bound_capabilities(plan.user, !ids.are_callers(), calls);
  calls.make({.step = "init"}, kCall_prctl, {PR_SET_NAME, "buildjail-init", 0, 0, 0});
  // defence: init-nobody-whom-root
  calls.make({.step = "init"}, kCall_umask, {kUmask});
  // The filter is last, because it refuses the calls above. Without PR_SET_NO_NEW_PRIVS it needs a capability
  // (seccomp(2)).
  // defence: command-no-new-privileges
  calls.make({.step = "filter"}, kCall_prctl, {PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0});
  Listened told{.modes = true, .paths = plan.traces};
  // defence: no-listener-beside-file-server
  if (may_hold_up_looks(plan)) told.modes = false;
  std::optional<SessionFilter> own;
  if (!plan.allowed.is_empty() || !told.modes || plan.traces) own.emplace(plan.allowed, told);
  if (plan.traces) {
    const bool has_modes = SystemCallFilter(plan.allowed, kOwnArchitecture, {.modes = told.modes}).tells();
    opening.inside.see_paths(LastingPlaces(plan, opening.steps), has_modes);
  }
  // defence: every-session-filter-system
  install_filter(own ? *own : opening.host.filter, plan.traces, calls);

  // defence: output-nobody-else-until
  const int locked = opening.journal.lock();
  UniqueFd lock(locked < 0 ? -1 : ::fcntl(locked, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (locked >= 0 && !lock) return last_error("init", "fcntl");
  calls.seal(std::move(lock));
  return {};
}

SysError not_ended(pid_t init) {
  auto holders = processes_left_with(init);
  std::string detail = "a killed process did not end";
  if (!holders.empty()) detail += ", " + held_by(holders);
  return {
      .step = "reap", .syscall = "poll", .err = ETIMEDOUT, .detail = std::move(detail), .holders = std::move(holders)};
}

}  // namespace

UniqueFd make_empty_mounts() {
  const Tolerated tolerated("without empty mounts to copy, sessions copy the host's");
  UniqueFd made;
  const auto make = [&made](Stopped&) { return make_in_child(made); };
  if (!run_in_child("empty-mounts", CLONE_NEWNS | CLONE_FILES, make)) return {};
  return above_stdio(std::move(made));
}

namespace {

/** `answer`, which may be empty, is for those that set the set-group-ID bit. */
AnswerCall see_and_answer(std::shared_ptr<PathTrace> trace, AnswerCall answer) {
  return [trace = std::move(trace), answer = std::move(answer)](const CallNotice& notice, BorrowedRights& rights) {
    try {
      trace->see(notice, rights);
    } catch (const std::bad_alloc&) {
      trace->lose();
    }
    rights.give_back();
    if (answer && sets_group_id(notice)) return answer(notice, rights);
    return CallAnswer{.goes_on = true};
  };
}

}  // namespace

Result<Namespaces> Namespaces::make(const NamespaceHost& host, const Birth& birth, const Joined& joined) {
  auto ends = control_pair();
  if (!ends) return std::move(ends.error());
  auto& [ours, theirs] = *ends;
  const int kinds = kinds_for(birth);
  // The child of root enters a copy of the empty mounts.
  const int made = host.empty_mounts ? kinds & ~CLONE_NEWNS : kinds;
  const int ordinary = joined.cgroup == nullptr ? 0 : CLONE_NEWCGROUP;
  const int unshared = made & (birth.is_callers() ? ordinary : kByChild);
  InitStart start{.host = host,
                  .birth = birth,
                  .joined = joined,
                  .control = theirs.get(),
                  .unshared = unshared,
                  .cgroup = joined.cgroup == nullptr ? -1 : joined.cgroup->unified.get()};
  auto init = execute_in_child(made & ~unshared, start.cgroup,
                               [&start](Stopped& stopped) { return become_init(start, stopped); });
  if (!init) return std::move(init.error());
  return Namespaces(std::move(*init), std::make_shared<InitChannel>(std::move(ours)), birth);
}

Result<Namespaces> Namespaces::make_blank(const NamespaceHost& host, const Birth& birth) {
  auto made = make(host, birth, {});
  if (!made) return std::move(made.error());
  Trace unused;
  InitCalls calls(*made->channel());
  auto status = make_blank_root(host, birth, calls);
  if (status) status = calls.confirm(false, unused);
  if (!status) return std::move(status.error());
  return std::move(*made);
}

Namespaces::~Namespaces() {
  if (!init_.pidfd || is_gone_) return;
  static_cast<void>(tell_to_end());
  static_cast<void>(wait_gone());
}

UniqueFd Namespaces::hold_mounts() const {
  const Tolerated tolerated("init then waits until they are gone");
  const std::string path = "/proc/" + std::to_string(init_.pid) + "/ns/mnt";
  return UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
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

void SessionNamespaces::set(Namespaces made) {
  const std::lock_guard lock(mutex_);
  namespaces_ = std::make_shared<Namespaces>(std::move(made));
}

InitCalls& SessionNamespaces::calls() { return calls_ ? *calls_ : calls_.emplace(*get()->channel()); }

Status SessionNamespaces::confirm(bool is_launched, Trace& trace) {
  auto status = calls_->confirm(is_launched, trace);
  auto rooms = calls_->take_shown(kRoomSlot);
  auto listener = calls_->take_shown(kListener);
  auto sockets = calls_->take_shown(kFirstSocketSlot);
  calls_.reset();
  if (!status) return explain_overlay(std::move(status.error()));
  std::ranges::move(rooms, std::back_inserter(rooms_));
  if (sockets.size() < std::exchange(awaited_sockets_, 0))
    return SysError{.step = kNetwork, .syscall = "recvmsg", .err = EMFILE, .detail = "no descriptors are left"};
  std::ranges::move(sockets, std::back_inserter(sockets_));
  return listener.empty() ? Status() : listen(std::move(listener.front()));
}

Status SessionNamespaces::listen(UniqueFd listener) {
  return caught("filter", [&]() -> Status {
    AnswerCall answer;
    if (!trace_ || trace_->has_modes) {
      set_group_id_ = std::make_shared<SetGroupIdFolders>();
      answer = answer_folder_modes(set_group_id_);
    }
    CallNotices* notices = &notices_;
    if (trace_) {
      // A build that makes such calls all the time holds up its own session alone.
      notices = &trace_->notices;
      auto root = above_stdio(UniqueFd(::open(get()->root().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)));
      if (!root) return last_error("filter", "open", "/");
      const UniqueFd looked_up(raw::openat2(root.get(), ".", {.flags = O_PATH | O_CLOEXEC}));
      if (!looked_up) return last_error("filter", "openat2", "/");
      answer =
          see_and_answer(std::make_shared<PathTrace>(seen_, SessionPaths(std::move(trace_->places), std::move(root))),
                         std::move(answer));
    }
    auto listening = notices->watch(std::move(listener), std::move(answer));
    if (!listening) return std::move(listening.error());
    listening_ = std::move(*listening);
    return {};
  });
}

void SessionNamespaces::see_paths(LastingPlaces places, bool has_modes) {
  trace_ = std::make_unique<PathsSeen>(std::move(places), has_modes);
}

Status SessionNamespaces::watch(const Namespaces& inside) {
  const auto& channel = inside.channel();
  Waiter* const waiter = waiter_.get();
  auto status = waiter->watch_channel(owner_, channel->fd(), [channel, waiter] { return channel->read(*waiter); });
  if (!status) return status;
  channel->keep_what_has_no_room([waiter, owner = owner_, fd = channel->fd()](bool is_wanted) {
    return waiter->watch_room(owner, fd, is_wanted);
  });
  return {};
}

Status SessionNamespaces::end_processes(Trace& trace) {
  const auto inside = get();
  if (!inside) return {};
  if (!mounts_) mounts_ = inside->hold_mounts();
  // This waits for no launch first: one that hangs inside ends with init.
  if (auto status = inside->tell_to_end(); !status) return status;
  trace.mark("kill");
  if (auto status = inside->wait_gone(); !status) return status;
  // The session may be held for long after it is closed, and the trace has a thread.
  listening_.reset();
  trace_.reset();
  // The waiter hears of the end by the channel, and then knows that the commands have ended too.
  static_cast<void>(waiter_->wait_reaped(owner_, kHearBound));
  waiter_->forget_channel(owner_, inside->channel()->fd());
  trace.mark("reap");
  const std::lock_guard lock(mutex_);
  namespaces_.reset();
  return {};
}

void RootPart::add_planned(const NamespaceOpening& opening, Parts& parts) {
  parts.push_back(std::make_unique<RootPart>(opening));
}

Status RootPart::make_namespaces(Trace& trace) {
  LinuxHost& host = opening_.host;
  const Birth birth = birth_of(opening_);
  const CgroupEntrances* const cgroup = opening_.cgroup.is_none() ? nullptr : &opening_.cgroup.entrances();
  // A base is made ahead itself.
  if (birth.has_network && cgroup == nullptr && !opening_.plan.is_base) {
    if (auto blank = host.blanks.take(birth)) {
      opening_.inside.set(std::move(*blank));
      trace.mark("blank");
      return {};
    }
  }
  UniqueFd network;
  if (const PlannedNetwork& planned = opening_.plan.network; planned.is_handed_in()) {
    auto opened = open_network(planned.handed_in);
    if (!opened) return std::move(opened.error());
    network = std::move(*opened);
  }
  auto made = Namespaces::make(host.namespaces, birth, {.network = network.get(), .cgroup = cgroup});
  if (!made) return std::move(made.error());
  opening_.inside.set(std::move(*made));
  trace.mark("clone");
  return make_blank_root(host.namespaces, birth, opening_.inside.calls());
}

Status RootPart::make(Trace& trace) {
  if (!opening_.is_rest) {
    if (auto status = make_namespaces(trace); !status) return status;
  }
  InitCalls& calls = opening_.inside.calls();
  const auto owners = SourceOwners::find(opening_);
  if (!owners) return owners.error();
  // No mount of the session may propagate to the host, nor the other way round.
  if (opening_.host.namespaces.is_over_host() && !opening_.is_rest)
    calls.make({.step = "private", .path = "/"}, kCall_mount, {0, "/", 0, MS_REC | MS_PRIVATE, 0});
  auto status = add_root(opening_, *owners, calls, trace);
  if (status && opening_.is_sealed()) status = seal(opening_, calls);
  if (!status) return explain_overlay(std::move(status.error()));
  calls.send();
  // Each call is timed by itself.
  trace.resume();
  return {};
}

Status RootPart::take_away(TakingAway& taking) {
  return opening_.is_rest ? Status() : opening_.inside.end_processes(taking.trace);
}

}  // namespace buildjail
