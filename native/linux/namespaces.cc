#include "linux/namespaces.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
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
#include <string_view>
#include <utility>

#include "base/above_stdio.h"
#include "base/back_off.h"
#include "base/without_interruption.h"
#include "linux/capabilities.h"
#include "linux/child.h"
#include "linux/clone_child.h"
#include "linux/holders.h"
#include "linux/init/messages.h"
#include "linux/mount_program.h"
#include "linux/raw_calls.h"
#include "linux/session_keyring.h"

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

/** user_namespaces(7): what an ordinary user may map is one id, its own. */
struct IdMap {
  std::string uid;
  std::string gid;
};

/** Everything the child uses, made before it exists, and what it has to say. */
struct Prepared {
  int control;
  int image;
  /** The network namespace to enter, or -1 where there is no other or it is made with the rest. */
  int network;
  /** What is left of the namespaces for the child to make itself. */
  int unshared;
  /** The mount namespace to enter a copy of, or -1 where that is to be one of the host's, made with the rest. */
  int empty_mounts;
  /** Null without a user namespace. */
  const IdMap* ids;
  const std::string* hostname;
  std::uint64_t kept_capabilities;
  MountProgram* mounts;
  bool is_base;
  char* const* argv;
  char* const* environment;
  std::int64_t began_ns = 0;
  std::int64_t ids_ns = 0;
  std::int64_t ended_ns = 0;
  Stopped stopped{};
};

/** Null, or the call that failed. */
const char* write_file(const char* path, std::string_view text) {
  const UniqueFd file(::open(path, O_WRONLY | O_CLOEXEC));
  if (!file) return "open";
  return ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? nullptr : "write";
}

// In this order: a gid map is refused by the kernel as long as groups could be dropped (user_namespaces(7), setgroups).
bool map_ids(const IdMap& ids, Stopped& stopped) {
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

// Whoever was being forked by another thread when the image was written has it open for writing until it executes.
void execute_init(const Prepared& prepared) {
  BackOff back_off(kBusyImageBound);
  do {
    raw::execveat(kImageInInit, prepared.argv, prepared.environment);
  } while (errno == ETXTBSY && back_off.wait());
}

void run_child(void* context) {
  auto& prepared = *static_cast<Prepared*>(context);
  const auto failed = [&prepared](const char* step, const char* syscall, int result, const char* path = "") {
    if (result < 0) prepared.stopped = {.step = step, .syscall = syscall, .err = errno, .path = path};
    return result < 0;
  };
  if (failed("init", "setsid", ::setsid())) return;
  if (failed("init", "rt_sigaction", reset_signals())) return;
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
  if (failed("init", "close_range", raw::close_range(unused))) return;
  ::umask(0);
  if (prepared.ids != nullptr) {
    if (!map_ids(*prepared.ids, prepared.stopped)) return;
    prepared.ids_ns = now_ns() - prepared.began_ns;
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
  if (failed("init", "keyctl", make_session_keyring())) return;
  if (failed("init", "rt_sigprocmask", unblock_signals())) return;
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
  int kinds = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  if (!plan.is_host_network) kinds |= CLONE_NEWNET;
  if (needs_user_namespace()) kinds |= CLONE_NEWUSER;
  return kinds;
}

/** Whether every source can be copied before there is a place for it. */
bool can_take_along(const MountProgram& mounts) {
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return false;
  const std::size_t count = mounts.most_copies();
  return count <= kMostCopies && count + kOtherDescriptors <= descriptors.rlim_cur;
}

std::string map_line(unsigned inside, unsigned outside) {
  return std::to_string(inside) + " " + std::to_string(outside) + " 1\n";
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

bool needs_user_namespace() { return ::geteuid() != 0; }

Result<Namespaces> Namespaces::make(const EnvelopePlan& plan, const Ready& ready, Trace& trace) {
  auto ends = control_pair();
  if (!ends) return std::move(ends.error());
  auto& [ours, theirs] = *ends;
  const IdMap ids{.uid = map_line(plan.user.uid, ::geteuid()), .gid = map_line(plan.user.gid, ::getegid())};
  MountProgram mounts(plan);
  std::string name = "buildjail-init";
  const std::array<char*, 2> argv{name.data(), nullptr};
  const std::array<char*, 1> environment{nullptr};
  const int kinds = kinds_for(plan);
  const bool is_over_host = !ready.mounts.space || !can_take_along(mounts);
  if (!is_over_host && ready.mounts.can_copy_copies) mounts.share_folders();
  int made = kinds;
  if (ready.network) made &= ~CLONE_NEWNET;
  if (!is_over_host) made &= ~CLONE_NEWNS;
  const int unshared = unshared_of(made);
  Prepared prepared{.control = theirs.get(),
                    .image = ready.init_image.get(),
                    .network = ready.network.get(),
                    .unshared = unshared,
                    .empty_mounts = is_over_host ? -1 : ready.mounts.space.get(),
                    .ids = (kinds & CLONE_NEWUSER) == 0 ? nullptr : &ids,
                    .hostname = &plan.hostname,
                    .kept_capabilities = kept_capabilities(plan.user),
                    .mounts = &mounts,
                    .is_base = plan.is_base,
                    .argv = argv.data(),
                    .environment = environment.data()};
  trace.mark("prepare");

  ChildStack stack;
  int pidfd = -1;
  const std::int64_t began_ns = now_ns();
  const pid_t init = clone_child(made & ~unshared, run_child, &prepared, stack, &pidfd);
  if (init < 0) return last_error("clone", "clone");
  UniqueFd owned_pidfd = above_stdio(UniqueFd(pidfd));
  if (prepared.stopped.syscall != nullptr) {
    reap_clone(init);
    return error_of(prepared.stopped);
  }
  trace.add("clone", {}, prepared.began_ns - began_ns);
  if (prepared.ids != nullptr) trace.add("map-ids", {}, prepared.ids_ns);
  mounts.add_to(trace);
  trace.add("init", {}, now_ns() - prepared.ended_ns);
  return Namespaces(init, std::move(owned_pidfd), std::make_shared<InitChannel>(std::move(ours)), kinds, is_over_host);
}

Status Namespaces::complete(const std::vector<Step>& rest, Trace& trace) {
  MountProgram mounts(rest);
  const std::string host = "/proc/" + std::to_string(init_) + "/root";
  Completing completing{
      .pidfd = pidfd_.get(), .kinds = kinds_, .host = is_over_host_ ? host.c_str() : nullptr, .mounts = &mounts};
  ChildStack stack;
  const pid_t child = clone_child(0, run_completing, &completing, stack);
  if (child < 0) return last_error("complete", "clone");
  reap_clone(child);
  if (completing.stopped.syscall != nullptr) return error_of(completing.stopped);
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

// The end of the channel, as when this process dies: so that what is lent is handed back by init, and whether this
// process lives to see that or not is the same.
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
