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
// defence: builds-end-before-host
constexpr std::string_view kFirstToGo = "1000";
constexpr int kControlInInit = 0;
constexpr int kImageInInit = 1;
constexpr int kMountsInInit = 2;

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

// The child sees none of the host's mounts, only a copy of the empty ones.
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

}  // namespace buildjail
