#include "linux/namespaces.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <string_view>
#include <utility>

#include "linux/above_stdio.h"
#include "linux/capabilities.h"
#include "linux/child.h"
#include "linux/clone_child.h"
#include "linux/mount_program.h"
#include "linux/raw_calls.h"
#include "linux/session_keyring.h"

namespace buildjail {

namespace {

constexpr std::chrono::milliseconds kBound{10000};
constexpr int kControlInInit = 0;
constexpr int kImageInInit = 1;

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
  /** Null without a user namespace. */
  const IdMap* ids;
  const std::string* hostname;
  const char* keyring;
  MountProgram* mounts;
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
  constexpr int kAttempts = 100;
  constexpr timespec kPause{.tv_sec = 0, .tv_nsec = 1'000'000};
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    raw::execveat(kImageInInit, prepared.argv, prepared.environment);
    if (errno != ETXTBSY) return;
    ::nanosleep(&kPause, nullptr);
  }
}

void run_child(void* context) {
  auto& prepared = *static_cast<Prepared*>(context);
  prepared.began_ns = now_ns();
  const auto failed = [&prepared](const char* step, const char* syscall, int result, const char* path = "") {
    if (result < 0) prepared.stopped = {.step = step, .syscall = syscall, .err = errno, .path = path};
    return result < 0;
  };
  if (failed("init", "setsid", ::setsid())) return;
  if (failed("init", "rt_sigaction", reset_signals())) return;
  if (prepared.network >= 0 && failed("clone", "setns", ::setns(prepared.network, CLONE_NEWNET))) return;
  // init has its control as descriptor 0 and nothing else; its image closes as it is executed. Both are above 2
  // (above_stdio), so neither stands where the other is put.
  if (failed("init", "dup2", ::dup2(prepared.control, kControlInInit))) return;
  if (failed("init", "dup3", ::dup3(prepared.image, kImageInInit, O_CLOEXEC))) return;
  if (failed("init", "close_range", raw::close_range(kImageInInit + 1))) return;
  ::umask(0);
  if (prepared.ids != nullptr) {
    if (!map_ids(*prepared.ids, prepared.stopped)) return;
    prepared.ids_ns = now_ns() - prepared.began_ns;
  }
  if (!prepared.mounts->make_root(prepared.stopped)) return;
  if (!prepared.mounts->fill_root(prepared.stopped)) return;
  if (failed("hostname", "sethostname", ::sethostname(prepared.hostname->data(), prepared.hostname->size()))) return;
  if (!prepared.mounts->seal_root(prepared.stopped)) return;
  prepared.ended_ns = now_ns();
  if (prepared.ids != nullptr) {
    Capabilities held;
    if (failed("init", "capget", get_capabilities(held))) return;
    if (failed("init", "capset", make_kill_inheritable(held))) return;
    if (failed("init", "prctl", keep_kill())) return;
  }
  if (failed("init", "keyctl", make_session_keyring(prepared.keyring))) return;
  if (failed("init", "rt_sigaction", ignore_children())) return;
  if (failed("init", "rt_sigprocmask", unblock_signals())) return;
  execute_init(prepared);
  failed("init", "execveat", -1);
}

Result<std::array<UniqueFd, 2>> control_pair() {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) return last_error("init", "socketpair");
  std::array<UniqueFd, 2> ends{above_stdio(UniqueFd(pair[0])), above_stdio(UniqueFd(pair[1]))};
  if (!ends[0] || !ends[1]) return last_error("init", "fcntl");
  return ends;
}

template <class Call>
ssize_t without_interruption(Call call) {
  ssize_t result = -1;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

int kinds_for(const EnvelopePlan& plan) {
  int kinds = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  if (!plan.is_host_network) kinds |= CLONE_NEWNET;
  if (needs_user_namespace()) kinds |= CLONE_NEWUSER;
  return kinds;
}

std::string map_line(unsigned inside, unsigned outside) {
  return std::to_string(inside) + " " + std::to_string(outside) + " 1\n";
}

}  // namespace

bool needs_user_namespace() { return ::geteuid() != 0; }

Result<Namespaces> Namespaces::make(const EnvelopePlan& plan, const std::string& id, int init_image,
                                    const UniqueFd& network, Trace& trace) {
  auto ends = control_pair();
  if (!ends) return std::move(ends.error());
  auto& [ours, theirs] = *ends;
  const IdMap ids{.uid = map_line(plan.user.uid, ::geteuid()), .gid = map_line(plan.user.gid, ::getegid())};
  MountProgram mounts(plan);
  // Not to be guessed, as the name is all that it takes for a process of the same user.
  std::string keyring = "buildjail-" + id;
  std::string name = "buildjail-init";
  const std::array<char*, 2> argv{name.data(), nullptr};
  const std::array<char*, 1> environment{nullptr};
  const int kinds = kinds_for(plan);
  Prepared prepared{.control = theirs.get(),
                    .image = init_image,
                    .network = network.get(),
                    .ids = (kinds & CLONE_NEWUSER) == 0 ? nullptr : &ids,
                    .hostname = &plan.hostname,
                    .keyring = keyring.c_str(),
                    .mounts = &mounts,
                    .argv = argv.data(),
                    .environment = environment.data()};
  trace.mark("prepare");

  ChildStack stack;
  int pidfd = -1;
  const std::int64_t began_ns = now_ns();
  const pid_t init = clone_child(network ? kinds & ~CLONE_NEWNET : kinds, run_child, &prepared, stack, &pidfd);
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
  return Namespaces(init, std::move(owned_pidfd), std::move(ours), kinds, std::move(keyring));
}

Namespaces::~Namespaces() {
  if (!pidfd_ || is_gone_) return;
  static_cast<void>(kill_init());
  static_cast<void>(wait_gone());
}

Status Namespaces::kill_all() {
  char command = 'k';
  const auto is_gone = [](ssize_t done) { return done == 0 || (done < 0 && (errno == EPIPE || errno == ECONNRESET)); };
  // When init is gone, then so is everything else.
  const ssize_t sent = without_interruption([&] { return ::send(control_.get(), &command, 1, MSG_NOSIGNAL); });
  if (is_gone(sent)) return {};
  if (sent < 0) return last_error("kill", "send");
  const ssize_t answered = without_interruption([&] { return ::recv(control_.get(), &command, 1, 0); });
  if (answered < 0 && !is_gone(answered)) return last_error("kill", "recv");
  return {};
}

Status Namespaces::kill_init() {
  if (raw::pidfd_send_signal(pidfd_.get(), SIGKILL) == 0 || errno == ESRCH) return {};
  return last_error("kill", "pidfd_send_signal");
}

Status Namespaces::wait_gone() {
  if (is_gone_) return {};
  const auto deadline = std::chrono::steady_clock::now() + kBound;
  pollfd ended{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    const int ready = ::poll(&ended, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (ready > 0) break;
    if (ready == 0) {
      return SysError{.step = "reap",
                      .syscall = "poll",
                      .err = ETIMEDOUT,
                      .path = {},
                      .dest = {},
                      .detail = "a killed process did not end"};
    }
    if (errno != EINTR) return last_error("reap", "poll");
  }
  reap_clone(init_);
  is_gone_ = true;
  return {};
}

}  // namespace buildjail
