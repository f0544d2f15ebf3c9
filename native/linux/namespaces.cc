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
#include "base/unique_fd.h"
#include "linux/capabilities.h"
#include "linux/child.h"
#include "linux/clone_child.h"
#include "linux/init/messages.h"
#include "linux/loopback.h"
#include "linux/mount_program.h"
#include "linux/named_devices.h"
#include "linux/overlay_errors.h"
#include "linux/overlay_maps.h"
#include "linux/processes.h"
#include "linux/raw_calls.h"
#include "linux/session_keyring.h"
#include "linux/user_space.h"

namespace buildjail {

namespace {

constexpr std::chrono::milliseconds kBound{10000};
/** In which an init ends that was told to and can: what somebody stopped cannot. */
constexpr std::chrono::milliseconds kTellBound{1000};
constexpr std::chrono::milliseconds kBusyImageBound{100};
constexpr int kControlInInit = 0;
constexpr int kImageInInit = 1;
constexpr int kMountsInInit = 2;
/** Copies of sources are descriptors, so that there is a bound to how many one process can have. */
constexpr std::size_t kMostCopies = 640;
constexpr std::size_t kOtherDescriptors = 32;

/** The lines of the maps of a session's own user namespace. */
struct IdLines {
  std::string uid;
  std::string gid;
};

/** Everything the child uses, made before it exists, and what it has to say. */
struct Prepared {
  int control;
  int image;
  /** The network namespace to enter, or -1 where there is no other or it is made with the rest. */
  int network;
  /** Of a network that it makes itself. */
  bool brings_up_loopback;
  /** What is left of the namespaces for the child to make itself. */
  int unshared;
  /** The mount namespace to enter a copy of, or -1 where that is to be one of the host's, made with the rest. */
  int empty_mounts;
  /** Null where it makes no user namespace of its own. */
  const IdLines* ids;
  /** The user namespace that it enters before it becomes init, or -1. */
  int user_space;
  bool is_user_space_new;
  /** What init has open until it ends, or -1. */
  int lock;
  /** The descriptors that the child has a use for itself, in order; -1 is none. */
  std::span<const int> kept;
  /** Of cgroups that the child is not made in. */
  std::span<const UniqueFd> cgroups;
  const std::string* hostname;
  std::uint64_t kept_capabilities;
  std::uint64_t init_capabilities;
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

// In this order: a gid map is refused by the kernel as long as groups could be dropped (user_namespaces(7), setgroups).
bool map_ids(const IdLines& ids, Stopped& stopped) {
  const std::array<std::pair<const char*, std::string_view>, 3> files{
      {{"/proc/self/setgroups", "deny"}, {"/proc/self/uid_map", ids.uid}, {"/proc/self/gid_map", ids.gid}}};
  for (const auto& [path, text] : files) {
    const char* const refused = write_file(path, text);
    if (refused == nullptr) continue;
    stopped = {.step = "map-ids", .syscall = refused, .err = errno, .path = path};
    return false;
  }
  return true;
}

/** All from `first` on but those, which are in order. */
int close_from(unsigned first, std::span<const int> but) {
  for (const int kept : but) {
    if (kept < 0) continue;
    const auto number = static_cast<unsigned>(kept);
    if (number > first && raw::close_range(first, number - 1) != 0) return -1;
    first = number + 1;
  }
  return raw::close_range(first);
}

// Of the host's root there is nothing left then but its number, which nobody inside can have: to each process in there
// init is somebody else, whom it may not reach (prlimit(2), setpriority(2), sched_setaffinity(2)). Its capabilities are
// those over the session, and come to it by way of the ambient set, as that number has none inside (capabilities(7)).
// The memory that this shares stays as dumpable as it was: the namespace is one that the host program has made.
const char* enter_user_space(const Prepared& prepared, int settings) {
  if (::setns(prepared.user_space, CLONE_NEWUSER) != 0) return "setns";
  if (prepared.is_user_space_new) bound_what_users_share(settings);
  return make_ambient(prepared.init_capabilities);
}

// Whoever was being forked by another thread when the image was written has it open for writing until it executes.
void execute_init(const Prepared& prepared) {
  BackOff back_off(kBusyImageBound);
  do {
    raw::execveat(kImageInInit, prepared.argv, prepared.environment);
  } while (errno == ETXTBSY && back_off.wait());
}

/** `0` is who writes it (cgroups(7)). */
int join_cgroups(std::span<const UniqueFd> entrances) {
  for (const UniqueFd& entrance : entrances) {
    if (::write(entrance.get(), "0", 1) != 1) return -1;
  }
  return 0;
}

void run_child(void* context) {
  auto& prepared = *static_cast<Prepared*>(context);
  const auto failed = [&prepared](const char* step, const char* syscall, int result, const char* path = "") {
    if (result < 0) prepared.stopped = {.step = step, .syscall = syscall, .err = errno, .path = path};
    return result < 0;
  };
  if (failed("init", "setsid", ::setsid())) return;
  if (failed("init", "rt_sigaction", reset_signals())) return;
  // Before its cgroup namespace is made, whose root is the cgroup that it is in by then (cgroup_namespaces(7)).
  if (failed("cgroup", "write", join_cgroups(prepared.cgroups), "the session's cgroup")) return;
  if (prepared.network >= 0 && failed("clone", "setns", ::setns(prepared.network, CLONE_NEWNET))) return;
  if (prepared.unshared != 0 && failed("clone", "unshare", ::unshare(prepared.unshared))) return;
  prepared.began_ns = now_ns();
  // init has its control as descriptor 0 and nothing else; its image closes as it is executed. Both are above 2
  // (above_stdio), so neither stands where the other is put.
  if (failed("init", "dup2", ::dup2(prepared.control, kControlInInit))) return;
  if (failed("init", "dup3", ::dup3(prepared.image, kImageInInit, O_CLOEXEC))) return;
  if (prepared.empty_mounts >= 0) {
    if (failed("init", "dup3", ::dup3(prepared.empty_mounts, kMountsInInit, O_CLOEXEC))) return;
    prepared.empty_mounts = kMountsInInit;
  }
  const unsigned unused = prepared.empty_mounts >= 0 ? kMountsInInit + 1 : kImageInInit + 1;
  // defence: init-no-descriptor-host
  if (failed("init", "close_range", close_from(unused, prepared.kept))) return;
  if (prepared.lock >= 0 && failed("init", "fcntl", ::fcntl(prepared.lock, F_SETFD, 0))) return;
  ::umask(0);
  if (prepared.ids != nullptr) {
    if (!map_ids(*prepared.ids, prepared.stopped)) return;
    prepared.ids_ns = now_ns() - prepared.began_ns;
  }
  if (prepared.brings_up_loopback) {
    const char* const refused = bring_up_loopback();
    if (refused != nullptr && failed("network", refused, -1, "lo")) return;
  }
  // Of a user namespace that was a session's before it is bounded already.
  int settings = -1;
  if (prepared.ids != nullptr || prepared.is_user_space_new)
    settings = ::open(kSettingsOfUsers, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (prepared.ids != nullptr) bound_what_users_share(settings);
  if (const char* const refused = go_first_when_memory_runs_out()) {
    failed("oom-score", refused, -1, kOomScoreFile);
    return;
  }
  if (prepared.empty_mounts >= 0) {
    if (!prepared.mounts->copy_sources(prepared.stopped)) return;
    if (!prepared.mounts->enter_copy_of(prepared.empty_mounts, prepared.stopped)) return;
  }
  if (!prepared.mounts->make_root(prepared.stopped)) return;
  if (!prepared.mounts->fill_root(prepared.stopped)) return;
  if (failed("hostname", "sethostname", ::sethostname(prepared.hostname->data(), prepared.hostname->size()))) return;
  if (!prepared.is_base && !prepared.mounts->seal_root(prepared.stopped)) return;
  prepared.ended_ns = now_ns();
  if (prepared.ids != nullptr && failed("init", "prctl", bound_capabilities(prepared.kept_capabilities))) return;
  // defence: command-session-keyring
  if (failed("init", "keyctl", make_session_keyring())) return;
  if (prepared.user_space >= 0) {
    const char* const refused = enter_user_space(prepared, settings);
    if (refused != nullptr && failed("user-namespace", refused, -1)) return;
  }
  if (failed("init", "rt_sigprocmask", unblock_signals())) return;
  // Last, as what was done until now is refused from here on. Without the first it would take a capability.
  // defence: command-no-new-privileges
  if (failed("filter", "prctl", ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))) return;
  // defence: every-session-filter-system
  if (failed("filter", "seccomp", prepared.filter->install())) return;
  execute_init(prepared);
  failed("init", "execveat", -1);
}

struct Completing {
  int pidfd;
  int kinds;
  /** Null, or the root of init, which of a base then still is the host's (proc(5), /proc/pid/root). */
  const char* host;
  MountProgram* mounts;
  bool is_done = false;
  Stopped stopped{};
};

void run_completing(void* context) {
  auto& completing = *static_cast<Completing*>(context);
  const auto failed = [&completing](const char* syscall, int result) {
    if (result < 0) completing.stopped = {.step = "complete", .syscall = syscall, .err = errno};
    return result < 0;
  };
  MountProgram& mounts = *completing.mounts;
  int host = -1;
  if (completing.host != nullptr) {
    host = ::open(completing.host, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (failed("open", host)) return;
  } else if (!mounts.copy_sources(completing.stopped)) {
    return;
  }
  if (failed("setns", ::setns(completing.pidfd, completing.kinds & (CLONE_NEWNS | CLONE_NEWUSER)))) return;
  ::umask(0);
  if (!(host < 0 ? mounts.find_root(completing.stopped) : mounts.find_root_over(host, completing.stopped))) return;
  if (!completing.mounts->fill_root(completing.stopped)) return;
  completing.is_done = completing.mounts->seal_root(completing.stopped);
}

Result<std::array<UniqueFd, 2>> control_pair() {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0)
    return last_error("init", "socketpair");
  std::array<UniqueFd, 2> ends{above_stdio(UniqueFd(pair[0])), above_stdio(UniqueFd(pair[1]))};
  if (!ends[0] || !ends[1]) return last_error("init", "fcntl");
  // Of each message that arrives here the kernel says whose it is.
  const int on = 1;
  if (::setsockopt(ends[0].get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0)
    return last_error("init", "setsockopt");
  return ends;
}

/**
 * What a child of root's makes by unshare(2) and not with itself: namespaces are the dearest part of a session, and in
 * the child, once it has a session of its own, they are made on its account and not on the host program's, whose event
 * loop waits for its turn (sched(7), autogroup).
 */
int unshared_of(int made) {
  constexpr int kByChild = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  return (made & CLONE_NEWUSER) == 0 ? made & kByChild : 0;
}

int kinds_for(const EnvelopePlan& plan) {
  // defence: namespaces-of-its-own
  int kinds = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  // defence: network-of-its-own
  if (!plan.network.is_host()) kinds |= CLONE_NEWNET;
  if (makes_own_user_space()) kinds |= CLONE_NEWUSER;
  return kinds;
}

/** Whether every source can be copied before there is a place for it. */
bool can_take_along(const MountProgram& mounts) {
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return false;
  const std::size_t count = mounts.most_copies();
  return count <= kMostCopies && count + kOtherDescriptors <= descriptors.rlim_cur;
}

pid_t clone_init(const CgroupEntrances& cgroup, int flags, Prepared& prepared, ChildStack& stack, int* pidfd) {
  if (cgroup.unified) {
    const auto moved_into = std::exchange(prepared.cgroups, prepared.cgroups.subspan(1));
    const pid_t init = clone_child_into(cgroup.unified.get(), flags, run_child, &prepared, stack, pidfd);
    // A container may know no clone3(2), or none of its flags.
    if (init >= 0 || (errno != ENOSYS && errno != EPERM && errno != EINVAL)) return init;
    prepared.cgroups = moved_into;
  }
  return clone_child(flags, run_child, &prepared, stack, pidfd);
}

/** `outside` is the build user in the numbering of the host; none without a user namespace that was ready. */
Result<OverlayMaps> overlay_maps(const std::vector<Step>& steps, const std::optional<BuildUser>& outside) {
  const auto overlays = overlays_of(steps);
  if (!overlays.empty() && !outside && !makes_own_user_space()) return overlay_without_map(*overlays.front());
  return OverlayMaps::find(steps, outside);
}

SysError not_ended(pid_t init) {
  auto holders = processes_left_with(init);
  std::string detail = "a killed process did not end";
  if (!holders.empty()) detail += ", " + held_by(holders);
  return {.step = "reap",
          .syscall = "poll",
          .err = ETIMEDOUT,
          .path = {},
          .dest = {},
          .detail = std::move(detail),
          .holders = std::move(holders)};
}

}  // namespace

bool makes_own_user_space() { return ::geteuid() != 0 || has_one_id(); }

Result<Namespaces> Namespaces::make(const EnvelopePlan& plan, const Ready& ready, Trace& trace) {
  auto ends = control_pair();
  if (!ends) return std::move(ends.error());
  auto& [ours, theirs] = *ends;
  const IdMap one_id = map_one(plan.user, ::geteuid(), ::getegid());
  const IdLines ids{.uid = map_text(one_id.uids), .gid = map_text(one_id.gids)};
  // By a number of our own, as the child has others at 0, 1 and 2.
  const UniqueFd lock(ready.lock < 0 ? -1 : ::fcntl(ready.lock, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (ready.lock >= 0 && !lock) return last_error("init", "fcntl");
  if (auto status = confirm_named_devices(plan); !status) return std::move(status.error());
  const auto outside = ready.user ? std::optional(ready.user.map.outside(plan.user)) : std::nullopt;
  auto own = outside ? OwnSources::find(plan.steps, *outside) : Result(OwnSources());
  if (!own) return std::move(own.error());
  auto overlays = ready.overlays_are_unmapped ? OverlayMaps::none() : overlay_maps(plan.steps, outside);
  if (!overlays) return std::move(overlays.error());
  const SourceOwners owners{.own = *own, .overlays = *overlays};
  MountProgram mounts(plan, ready.user ? std::optional(ready.user.map.root_outside()) : std::nullopt, owners,
                      ready.nesting);
  if (auto status = mounts.find_hidden(plan.user.uid == 0); !status) return std::move(status.error());
  std::string name = "buildjail-init";
  const std::array<char*, 2> argv{name.data(), nullptr};
  const std::array<char*, 1> environment{nullptr};
  const int kinds = kinds_for(plan);
  const bool is_over_host = !ready.mounts.space || !can_take_along(mounts);
  if (!is_over_host && ready.mounts.can_copy_copies) mounts.share_folders();
  const bool has_etc = !is_over_host && ready.etc != nullptr;
  if (has_etc) mounts.use_prepared_etc();
  int made = kinds;
  if (ready.network) made &= ~CLONE_NEWNET;
  if (!is_over_host) made &= ~CLONE_NEWNS;
  const int unshared = unshared_of(made) | (ready.cgroup.files.empty() ? 0 : made & CLONE_NEWCGROUP);
  std::vector<int> kept = overlays->spaces();
  kept.insert(kept.end(), {ready.user.space.get(), own->space.get(), lock.get()});
  std::ranges::sort(kept);
  Prepared prepared{.control = theirs.get(),
                    .image = ready.init_image.get(),
                    .network = ready.network.get(),
                    .brings_up_loopback = ready.brings_up_loopback,
                    .unshared = unshared,
                    .empty_mounts = is_over_host ? -1 : (has_etc ? *ready.etc : ready.mounts.space).get(),
                    .ids = (kinds & CLONE_NEWUSER) == 0 ? nullptr : &ids,
                    .user_space = ready.user.space.get(),
                    .is_user_space_new = ready.user.is_new,
                    // defence: output-nobody-else-until
                    .lock = lock.get(),
                    .kept = kept,
                    .cgroups = ready.cgroup.files,
                    .hostname = &plan.hostname,
                    .kept_capabilities = kept_capabilities(plan.user),
                    .init_capabilities = init_capabilities(plan.user),
                    .mounts = &mounts,
                    .is_base = plan.is_base,
                    .filter = &ready.filter,
                    .argv = argv.data(),
                    .environment = environment.data()};
  trace.mark("prepare");

  ChildStack stack;
  int pidfd = -1;
  const std::int64_t began_ns = now_ns();
  const pid_t init = clone_init(ready.cgroup, made & ~unshared, prepared, stack, &pidfd);
  if (init < 0) return last_error("clone", "clone");
  UniqueFd owned_pidfd = above_stdio(UniqueFd(pidfd));
  if (prepared.stopped.syscall != nullptr) {
    reap_clone(init);
    return explain_overlay(error_of(prepared.stopped));
  }
  trace.add("clone", {}, prepared.began_ns - began_ns);
  if (prepared.ids != nullptr) trace.add("map-ids", {}, prepared.ids_ns);
  mounts.add_to(trace);
  trace.add("init", {}, now_ns() - prepared.ended_ns);
  return Namespaces(init, std::move(owned_pidfd), std::make_shared<InitChannel>(std::move(ours)), kinds, is_over_host);
}

Status Namespaces::complete(const std::vector<Step>& rest, const Nesting& nesting,
                            const std::optional<BuildUser>& outside, Trace& trace) {
  auto own = outside ? OwnSources::find(rest, *outside) : Result(OwnSources());
  if (!own) return std::move(own.error());
  auto overlays = overlay_maps(rest, outside);
  if (!overlays) return std::move(overlays.error());
  const SourceOwners owners{.own = *own, .overlays = *overlays};
  MountProgram mounts(rest, owners, nesting);
  const std::string host = root();
  Completing completing{
      .pidfd = pidfd_.get(), .kinds = kinds_, .host = is_over_host_ ? host.c_str() : nullptr, .mounts = &mounts};
  ChildStack stack;
  const pid_t child = clone_child(0, run_completing, &completing, stack);
  if (child < 0) return last_error("complete", "clone");
  reap_clone(child);
  if (completing.stopped.syscall != nullptr) return explain_overlay(error_of(completing.stopped));
  if (!completing.is_done) {
    return SysError{.step = "complete",
                    .syscall = "clone",
                    .err = ECANCELED,
                    .path = {},
                    .dest = {},
                    .detail = "the completing child was killed"};
  }
  mounts.add_to(trace);
  return {};
}

Namespaces::~Namespaces() {
  if (!pidfd_ || is_gone_) return;
  static_cast<void>(tell_to_end());
  static_cast<void>(wait_gone());
}

// The end of the channel, as when this process dies: whether it lives to see the end or not is the same.
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
  // Who debugs init waits for it first (ptrace(2)), and when that is done no descriptor tells.
  BackOff back_off(left_of(kBound));
  for (;;) {
    const pid_t reaped = ::waitpid(init_, nullptr, __WALL | WNOHANG);
    if (reaped < 0 && errno == EINTR) continue;
    if (reaped != 0) break;
    if (!back_off.wait()) return not_ended(init_);
  }
  is_gone_ = true;
  return {};
}

}  // namespace buildjail
