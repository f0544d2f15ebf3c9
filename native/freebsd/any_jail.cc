#include "freebsd/any_jail.h"

#include <sys/param.h>
#include <sys/jail.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/signals.h"
#include "base/text.h"
#include "freebsd/child.h"
#include "freebsd/jail_child.h"
#include "launch/launch_request.h"
#include "launch/vfork_child.h"

namespace buildjail {

namespace {

struct Asking {
  const JailCall& call;
  iovec* options;
  unsigned count;
  /** Where the kernel writes the descriptor. */
  const void* desc;
  int flags;
  int socket;
  int jid = -1;
  /** Null: the child was killed before it could say. */
  const char* stopped_at = nullptr;
  int err = 0;
};

void ask(void* context) {
  auto& asking = *static_cast<Asking*>(context);
  asking.stopped_at = asking.call.name;
  asking.jid = asking.call.function(asking.options, asking.count, asking.flags);
  if (asking.jid < 0) {
    asking.err = errno;
    return;
  }
  asking.stopped_at = "sendmsg";
  int descriptor = -1;
  std::memcpy(&descriptor, asking.desc, sizeof(descriptor));
  if (send_descriptor(asking.socket, descriptor) != 0) asking.err = errno;
}

}  // namespace

Result<OpenedJail> open_jail(const JailCall& call, IovecList& options, std::size_t desc, int flags) {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair.data()) != 0)
    return last_error("jail-desc", "socketpair");
  const UniqueFd here(pair[0]);
  const UniqueFd there(pair[1]);
  Asking asking{.call = call,
                .options = options.data(),
                .count = options.size(),
                .desc = options.value(desc).data(),
                .flags = flags,
                .socket = there.get()};
  const pid_t child = vfork_child(ask, &asking);
  if (child < 0) return last_error("jail-desc", "vfork");
  reap(child);
  if (asking.err != 0 || asking.stopped_at == nullptr) {
    errno = asking.err == 0 ? EINTR : asking.err;
    const char* const failed = asking.stopped_at == nullptr ? call.name : asking.stopped_at;
    return options.error(call.name, failed);
  }
  auto descriptor = receive_descriptor(here.get(), "jail-desc");
  if (!descriptor) return std::move(descriptor.error());
  return OpenedJail{.jid = asking.jid, .descriptor = std::move(*descriptor)};
}

namespace {

constexpr const char* kStep = "spawn";

/** The root that the child has to find. */
Result<JailReference> reference_to(int jid) {
  IovecList options;
  options.add_int("jid", jid);
  options.add_buffer("path", MAXPATHLEN);
  options.add_errmsg();
  if (::jail_get(options.data(), options.size(), 0) < 0) return options.error(kStep, "jail_get");
  const std::string root(reinterpret_cast<const char*>(options.value(1).data()));
  struct stat found{};
  if (::stat(root.c_str(), &found) != 0) return last_error(kStep, "stat", root);
  return JailReference{.jid = jid, .dev = found.st_dev, .ino = found.st_ino};
}

/** The child's ends; ours come into `ours`. */
Status make_pipes(SpawnRequest& request, std::array<UniqueFd, 3>& ours) {
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (request.stdio.at(i) != SpawnRequest::Stdio::kPipe) continue;
    std::array<int, 2> pair{};
    if (::pipe2(pair.data(), O_CLOEXEC) != 0) return last_error(kStep, "pipe2");
    UniqueFd reading = above_stdio(UniqueFd(pair[0]));
    UniqueFd writing = above_stdio(UniqueFd(pair[1]));
    if (!reading || !writing) return last_error(kStep, "fcntl");
    request.descriptors.at(i) = std::move(i == 0 ? reading : writing);
    ours.at(i) = std::move(i == 0 ? writing : reading);
  }
  return {};
}

}  // namespace

Result<Spawned> spawn_in_jail(SpawnRequest& request) {
  JailReference jail{.jid = request.jid, .dev = 0, .ino = 0};
  if (request.steps.has(ForkStep::kRoot)) {
    const auto found = reference_to(request.jid);
    if (!found) return found.error();
    jail = *found;
  }
  Spawned spawned{.pid = 0, .ours = {}};
  if (auto status = make_pipes(request, spawned.ours); !status) return std::move(status.error());
  const SetGroups groups(request.gid, request.groups);
  const auto limits = SetLimits::exactly(request.limits);
  LaunchRequest launch;
  launch.argv = request.argv;
  launch.environment = request.environment;
  auto candidate_paths = executable_candidates(launch);
  const CStrings candidates(candidate_paths);
  const CStrings argv(launch.argv);
  const CStrings environment(launch.environment);
  const auto& stdio = request.descriptors;
  JailChild prepared{.steps = request.steps,
                     .jail = jail,
                     .stdio = {stdio[0].get(), stdio[1].get(), stdio[2].get()},
                     .terminal = {.path = nullptr, .terminal = nullptr},
                     .login_class = request.login_class.c_str(),
                     .working_directory = request.working_directory.c_str(),
                     .umask = request.umask,
                     .groups = &groups,
                     .limits = &limits,
                     .uid = request.uid,
                     .gid = request.gid,
                     .parent_death_signal = request.parent_death_signal,
                     .candidates = candidates.data(),
                     .argv = argv.data(),
                     .environment = environment.data(),
                     .self = {},
                     .is_executing = false,
                     .stopped = {}};
  spawned.pid = start_jail_child(prepared);
  if (spawned.pid < 0) return last_error(kStep, "vfork");
  if (prepared.stopped.syscall == nullptr) return spawned;
  reap(spawned.pid);
  SysError error{.step = kStep,
                 .syscall = prepared.stopped.syscall,
                 .err = prepared.stopped.err,
                 .path = {},
                 .dest = {},
                 .detail = {}};
  if (error.syscall == "chdir") error.path = request.working_directory;
  if (error.syscall == "execve") error.path = request.argv.front();
  if (error.syscall == "open") error.path = "/dev/null";
  if (error.syscall == "lstat" && error.err == ESRCH) error.detail = "the root there is not that of the jail";
  return error;
}

Result<std::shared_ptr<EventThread>> EventThread::start(const struct kevent& event, Tell tell) {
  UniqueFd queue(::kqueuex(KQUEUE_CLOEXEC));
  if (!queue) return last_error("wait", "kqueuex");
  std::array<struct kevent, 2> changes{event};
  EV_SET(&changes[1], 0, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, nullptr);
  if (::kevent(queue.get(), changes.data(), static_cast<int>(changes.size()), nullptr, 0, nullptr) < 0)
    return last_error("wait", "kevent");
  return caught("wait", [&] {
    // A thread inherits the blocked signals of its maker: no handler of the host program may run on this one.
    const BlockedSignals blocked;
    return Result<std::shared_ptr<EventThread>>(std::make_shared<EventThread>(std::move(queue), std::move(tell)));
  });
}

EventThread::EventThread(UniqueFd queue, Tell tell)
    : queue_(std::move(queue)), tell_(std::move(tell)), thread_([this] { wait(); }) {}

EventThread::~EventThread() {
  struct kevent stop{};
  EV_SET(&stop, 0, EVFILT_USER, 0, NOTE_TRIGGER, 0, nullptr);
  static_cast<void>(::kevent(queue_.get(), &stop, 1, nullptr, 0, nullptr));
  thread_.join();
}

void EventThread::wait() const {
  for (;;) {
    struct kevent event{};
    const int count = ::kevent(queue_.get(), nullptr, 0, &event, 1, nullptr);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || event.filter == EVFILT_USER || !tell_(event)) return;
  }
}

namespace {

// Of 15.0 (sys/event.h); spelled out, as headers of 14 lack them and one binary serves both.
constexpr short kFilterJail = -14;
constexpr short kFilterJailDesc = -15;
constexpr unsigned kNoteChild = 0x80000000;
constexpr unsigned kNoteSet = 0x40000000;
constexpr unsigned kNoteAttach = 0x20000000;
constexpr unsigned kNoteRemove = 0x10000000;
constexpr unsigned kNoteMultiple = 0x08000000;

Result<std::shared_ptr<EventThread>> watch(int number, short filter, TellJailEvents tell) {
  struct kevent event{};
  EV_SET(&event, static_cast<uintptr_t>(number), filter, EV_ADD, kNoteChild | kNoteSet | kNoteAttach | kNoteRemove, 0,
         nullptr);
  return EventThread::start(event, [tell = std::move(tell)](const struct kevent& told) {
    const auto has = [&told](unsigned note) { return (told.fflags & note) != 0; };
    tell({.is_set = has(kNoteSet),
          .is_attached = has(kNoteAttach),
          .is_child_made = has(kNoteChild),
          .is_removed = has(kNoteRemove),
          .is_multiple = has(kNoteMultiple),
          .number = static_cast<int>(told.data)});
    return !has(kNoteRemove);
  });
}

}  // namespace

Result<std::shared_ptr<EventThread>> watch_jail(int jid, TellJailEvents tell) {
  return watch(jid, kFilterJail, std::move(tell));
}

Result<std::shared_ptr<EventThread>> watch_jail_by(int descriptor, TellJailEvents tell) {
  return watch(descriptor, kFilterJailDesc, std::move(tell));
}

Result<std::shared_ptr<EventThread>> wait_for_end(pid_t child, std::function<void()> tell) {
  struct kevent event{};
  // An earlier exit is reported too: a zombie can still be watched (kqueue(2), EVFILT_PROC).
  EV_SET(&event, static_cast<uintptr_t>(child), EVFILT_PROC, EV_ADD | EV_ONESHOT, NOTE_EXIT, 0, nullptr);
  return EventThread::start(event, [tell = std::move(tell)](const struct kevent&) {
    tell();
    return false;
  });
}

Ending take_end(pid_t child) {
  int status = 0;
  rusage usage{};
  while (::wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  return ending_of(status, usage);
}

}  // namespace buildjail
