#include <sys/param.h>
#include <sys/event.h>
#include <sys/jail.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/signals.h"
#include "base/tolerated.h"
#include "base/unique_fd.h"
#include "binding/freebsd_calls.h"
#include "freebsd/jail_child.h"
#include "launch/stdio_ends.h"
#include "launch/vfork_child.h"
#include "launch/waiter.h"

namespace buildjail {

namespace {

/** A thread that waits for one event of kqueue(2), again and again. */
class EventThread {
 public:
  /** Called on that thread; false ends the waiting. It must not destroy the EventThread. */
  using Tell = std::function<bool(const struct kevent&)>;

  /** No later event is missed. The errors are those of EV_ADD: ENOENT for a jail that does not exist. */
  static Result<std::shared_ptr<EventThread>> start(const struct kevent& event, Tell tell) {
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
  EventThread(UniqueFd queue, Tell tell)
      : queue_(std::move(queue)), tell_(std::move(tell)), thread_([this] { wait(); }) {}
  EventThread& operator=(EventThread&&) = delete;
  ~EventThread() {
    struct kevent stop{};
    EV_SET(&stop, 0, EVFILT_USER, 0, NOTE_TRIGGER, 0, nullptr);
    static_cast<void>(::kevent(queue_.get(), &stop, 1, nullptr, 0, nullptr));
    thread_.join();
  }

 private:
  void wait() const {
    for (;;) {
      struct kevent event{};
      const int count = ::kevent(queue_.get(), nullptr, 0, &event, 1, nullptr);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0 || event.filter == EVFILT_USER || !tell_(event)) return;
    }
  }

  UniqueFd queue_;
  Tell tell_;
  std::thread thread_;
};

// Of 15.0 (sys/event.h); spelled out, as headers of 14 lack them and one binary serves both.
constexpr short kFilterJail = -14;
constexpr short kFilterJailDesc = -15;
/** NOTE_JAIL_CHILD, NOTE_JAIL_SET, NOTE_JAIL_ATTACH and NOTE_JAIL_REMOVE. */
constexpr unsigned kEveryNote = 0xF0000000;
constexpr unsigned kNoteRemove = 0x10000000;

/**
 * Passes each event to the last argument, as `to_js` makes it, on the JavaScript thread. No event follows one of
 * `last`. Keeps the thread until `over` is called with the number that is returned.
 */
template <class ToJs>
Napi::Value listen(const Napi::Value& listener, const struct kevent& event, unsigned last, ToJs to_js) {
  const Napi::Env env = listener.Env();
  const auto runtime = runtime_of(env);
  runtime->refuse_unless_listening(env);
  // Destroyed on the JavaScript thread alone: the sender holds a copy of the listener; the runtime owns the original.
  const auto told = std::make_shared<Napi::FunctionReference>(
      Napi::Persistent(function_from_js(listener, {.call = "kevent", .name = "tell"})));
  auto tell = [weak = std::weak_ptr(runtime), told, last, to_js](const struct kevent& happened) {
    if (const auto there = weak.lock())
      there->tell_more([told, to_js, happened](Napi::Env env) { told->Call({to_js(env, happened)}); });
    return (happened.fflags & last) == 0;
  };
  auto started = EventThread::start(event, std::move(tell));
  if (!started) throw Napi::Error(env, error_to_js(env, started.error()));
  runtime->began(env);
  return Napi::Number::New(env, runtime->keep(std::move(*started)));
}

/** Watches a jail by its number or a descriptor; both since 15.0. ENOENT: there is no such jail. */
Napi::Value watch_jail_call(const Napi::CallbackInfo& info) {
  const int number = value_from_js<JailId>(info[0], {.call = "kevent", .name = "number"});
  const bool is_descriptor = boolean_from_js(info[1], {.call = "kevent", .name = "isDescriptor"});
  struct kevent event{};
  EV_SET(&event, static_cast<uintptr_t>(number), is_descriptor ? kFilterJailDesc : kFilterJail, EV_ADD, kEveryNote, 0,
         nullptr);
  return listen(info[2], event, kNoteRemove, [](Napi::Env env, const struct kevent& told) {
    return object_to_js(env, Member{"notes", told.fflags}, Member{"number", told.data});
  });
}

/** Waits for a child that has ended. */
Napi::Value end_of(Napi::Env env, pid_t child) {
  int status = 0;
  rusage usage{};
  without_interruption([&] { return ::wait4(child, &status, 0, &usage); });
  const Ending ending = ending_of(status, usage);
  auto object = object_to_js(env, Member{"userUs", ending.user_us}, Member{"systemUs", ending.system_us},
                             Member{"maxRssBytes", ending.max_rss_bytes});
  if (WIFEXITED(status)) object.Set("exitCode", WEXITSTATUS(status));
  if (WIFSIGNALED(status)) object.Set("signal", signal_name(WTERMSIG(status)));
  return object;
}

/** Ends a child that cannot be waited for: its zombie would keep the jail (jail(8)), and its number. */
void end_unheard(pid_t child) {
  // ECHILD: it is not a child of this program (waitpid(2)).
  if (::waitpid(child, nullptr, WNOHANG) != 0) return;
  static_cast<void>(::kill(child, SIGKILL));
  reap(child);
}

Napi::Value wait_for_end_call(const Napi::CallbackInfo& info) {
  const pid_t child = value_from_js<ProcessId>(info[0], {.call = "wait4", .name = "pid"});
  struct kevent event{};
  // An earlier exit is reported too: a zombie can still be watched (kqueue(2), EVFILT_PROC).
  EV_SET(&event, static_cast<uintptr_t>(child), EVFILT_PROC, EV_ADD | EV_ONESHOT, NOTE_EXIT, 0, nullptr);
  // Waited for where its end is reported: until then its number is its own, so a signal cannot meet another process.
  try {
    return listen(info[1], event, NOTE_EXIT,
                  [child](Napi::Env env, const struct kevent&) { return end_of(env, child); });
  } catch (const Napi::Error&) {
    end_unheard(child);
    throw;
  }
}

constexpr const char* kStep = "spawn";

/** NativeSpawn: a process to start in any jail, as the child of a session. */
struct SpawnRequest {
  LaunchRequest program;
  /** Refers to the rest once it is started. */
  JailChild child{};
  /** For the step kLoginClass. */
  std::string login_class;
  std::vector<gid_t> groups;
  std::vector<ProcessLimit> limits;
  /** Copies of the caller's descriptors, all above 2. An empty one that is no pipe: see the step kNull. */
  std::array<UniqueFd, 3> descriptors;
  std::array<bool, 3> are_pipes{};
};

struct Spawned {
  pid_t pid;
  /** Our ends of its pipes. */
  std::array<UniqueFd, 3> ours;
};

struct LookedUpJail {
  std::string name;
  /** As it was when the jail was made: the folder may have been renamed since. */
  std::string path;
};

Result<LookedUpJail> look_up(int jid) {
  IovecList options;
  options.add_int("jid", jid);
  options.add_buffer("name", MAXHOSTNAMELEN);
  options.add_buffer("path", MAXPATHLEN);
  if (options.call(::jail_get, 0) < 0) return options.error(kStep, "jail_get");
  return LookedUpJail{.name = options.text(1), .path = options.text(2)};
}

/** The root at the path of a jail. If there is none, a root that no jail has: no inode has the number 0. */
JailReference root_at(int jid, const std::string& path) {
  const Tolerated tolerated("the folder may have been renamed since the jail was made; then the child finds the root");
  const auto found = reference_to(jid, path);
  return found ? *found : JailReference{.jid = jid, .dev = 0, .ino = 0};
}

/**
 * Starts the child with the root that it must find. Only a process in a jail sees which root the jail has. If the path
 * of the jail leads elsewhere, a first child finds the root and ends. That root is taken for the jail's, unless the
 * number is another jail's by now.
 */
Result<pid_t> start_confirmed(SpawnRequest& request) {
  JailChild& child = request.child;
  const auto jail = look_up(child.jail.jid);
  if (!jail) return jail.error();
  child.jail = root_at(child.jail.jid, jail->path);
  auto pid = start_jail_child(child, request.program);
  if (pid || pid.error().syscall != "lstat" || pid.error().err != ESRCH) return pid;
  const auto after = look_up(child.jail.jid);
  if (!after) return after.error();
  if (after->name != jail->name) return pid;
  child.jail.dev = child.root.st_dev;
  child.jail.ino = child.root.st_ino;
  child.stopped_at = nullptr;
  return start_jail_child(child, request.program);
}

/** Makes the pipes: the child's ends, and ours in `ours`. */
Status make_pipes(SpawnRequest& request, std::array<UniqueFd, 3>& ours) {
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (!request.are_pipes.at(i)) continue;
    auto pair = make_pair(kStep, StdioKind::kPipe);
    if (!pair) return std::move(pair.error());
    request.descriptors.at(i) = std::move(i == 0 ? pair->reading : pair->writing);
    ours.at(i) = std::move(i == 0 ? pair->writing : pair->reading);
  }
  return {};
}

/** Starts the process, which the caller has to wait for. The error of a step names the call that failed. */
Result<Spawned> spawn_in_jail(SpawnRequest& request) {
  JailChild& child = request.child;
  Spawned spawned{.pid = 0, .ours = {}};
  if (auto status = make_pipes(request, spawned.ours); !status) return std::move(status.error());
  const SetGroups groups(child.gid, request.groups);
  std::ranges::transform(request.descriptors, child.stdio.begin(), &UniqueFd::get);
  child.login_class = request.login_class.c_str();
  child.working_directory = request.program.working_directory.c_str();
  child.groups = &groups;
  child.limits = request.limits;
  const bool is_confirmed = !child.left_out[static_cast<std::size_t>(ForkStep::kRoot)];
  auto pid = is_confirmed ? start_confirmed(request) : start_jail_child(child, request.program);
  if (pid) {
    spawned.pid = *pid;
    return spawned;
  }
  SysError& error = pid.error();
  error.step = kStep;
  if (error.syscall == "setfib") error.detail = "the network of the jail has no such routing table (net.fibs)";
  if (error.syscall == "lstat" && error.err == ESRCH) error.detail = "the root there is not that of the jail";
  return std::move(error);
}

constexpr const char* kSpawn = "spawnInJail";

/** The limits by name, each a list of the soft and the hard one. */
std::vector<ProcessLimit> limits_from_js(const Napi::Value& value) {
  constexpr auto kResources = std::to_array<std::pair<const char*, int>>({
      {"cpu", RLIMIT_CPU},
      {"fsize", RLIMIT_FSIZE},
      {"data", RLIMIT_DATA},
      {"stack", RLIMIT_STACK},
      {"core", RLIMIT_CORE},
      {"rss", RLIMIT_RSS},
      {"memlock", RLIMIT_MEMLOCK},
      {"nproc", RLIMIT_NPROC},
      {"nofile", RLIMIT_NOFILE},
      {"sbsize", RLIMIT_SBSIZE},
      {"vmem", RLIMIT_VMEM},
      {"npts", RLIMIT_NPTS},
      {"swap", RLIMIT_SWAP},
      {"kqueues", RLIMIT_KQUEUES},
      {"umtxp", RLIMIT_UMTXP},
  });
  const Members members(value, {.call = kSpawn, .name = "limits"});
  std::vector<ProcessLimit> limits;
  for (const auto& [name, resource] : kResources) {
    const Napi::Value given = members.get(name);
    if (given.IsUndefined()) continue;
    const std::string entry = std::string("limits.") + name;
    const Place place{.call = "setrlimit", .name = entry};
    const auto both = array_from_js(given, place, 2, 2);
    const auto bound = [&](std::uint32_t at) {
      return big_number_from_js(both.Get(at), place, 0, std::numeric_limits<rlim_t>::max());
    };
    const rlim_t soft = bound(0);
    limits.push_back({.resource = resource, .limit = {.rlim_cur = soft, .rlim_max = bound(1)}});
  }
  return limits;
}

using Descriptor = Integer<int, 0, std::numeric_limits<int>::max()>;

/** Descriptors that were given are copied now, so that they may be closed when the call has returned. */
void read_stdio(Napi::Env env, const Members& members, SpawnRequest& request) {
  const auto stdio = array_from_js(members.get("stdio"), members.at("stdio"), 3, 3);
  for (std::uint32_t i = 0; i < request.descriptors.size(); ++i) {
    const Place place{.call = kSpawn, .name = "stdio", .element = i};
    const Napi::Value given = stdio.Get(i);
    if (given.IsString()) {
      const std::string word = text_from_js(given, place);
      request.are_pipes.at(i) = word == "pipe";
      if (word != "pipe" && word != "ignore") refuse(env, place, "must be pipe, ignore, inherit or a descriptor");
      continue;
    }
    const int number = value_from_js<Descriptor>(given, place);
    constexpr int kAboveStdio = 3;
    request.descriptors.at(i).reset(::fcntl(number, F_DUPFD_CLOEXEC, kAboveStdio));
    if (!request.descriptors.at(i)) throw Napi::Error(env, error_to_js(env, last_error(kStep, "fcntl")));
  }
}

SpawnRequest request_from_js(const Napi::Value& value) {
  const Members members(value, {.call = kSpawn, .name = "request"});
  const auto texts = [&members](const char* name) {
    return list_of<std::string>(members.get(name), members.at(name), static_cast<std::size_t>(::sysconf(_SC_ARG_MAX)));
  };
  SpawnRequest request;
  JailChild& child = request.child;
  child.jail.jid = members.read<JailId>("jid");
  request.program.argv = texts("argv");
  request.program.environment = texts("environment");
  request.program.working_directory = members.read<std::string>("cwd");
  request.login_class = members.read<std::string>("loginClass");
  child.uid = members.read<UserId>("uid");
  child.gid = members.read<UserId>("gid");
  const auto groups = list_of<UserId>(members.get("groups"), members.at("groups"),
                                      static_cast<std::size_t>(::sysconf(_SC_NGROUPS_MAX)));
  request.groups.assign(groups.begin(), groups.end());
  // Of RT_MAXFIBS in sys/net/route/route_var.h; how many a network has, its kernel says.
  using Fib = Integer<int, 0, std::numeric_limits<std::uint16_t>::max() - 1>;
  if (const auto fib = members.read_if_any<Fib>("fib")) child.fib = fib->value;
  child.umask = static_cast<mode_t>(members.read<Integer<int, 0, 0777>>("umask").value);
  const auto death_signal = members.read<std::string>("parentDeathSignal");
  child.parent_death_signal = signal_number(death_signal);
  if (child.parent_death_signal == 0 && !death_signal.empty())
    refuse(value.Env(), members.at("parentDeathSignal"), "must be the name of a signal");
  using Step = Integer<std::size_t, 0, static_cast<std::size_t>(ForkStep::kSignals)>;
  for (const auto step : list_of<Step>(members.get("leftOut"), members.at("leftOut"), child.left_out.size()))
    child.left_out.set(step);
  request.limits = limits_from_js(members.get("limits"));
  read_stdio(value.Env(), members, request);
  return request;
}

/** The runtime keeps the pipes until JavaScript says otherwise. */
Napi::Value spawned_to_js(Napi::Env env, Runtime& runtime, Spawned& spawned) {
  auto object = Napi::Object::New(env);
  object.Set("pid", spawned.pid);
  auto pipes = Napi::Array::New(env, spawned.ours.size());
  std::uint32_t index = 0;
  for (auto& ours : spawned.ours) {
    pipes.Set(index++, ours.get());
    if (ours) runtime.keep_descriptor(std::make_shared<UniqueFd>(std::move(ours)));
  }
  object.Set("pipes", pipes);
  return object;
}

Napi::Value spawn_call(const Napi::CallbackInfo& info) {
  auto work = [request = request_from_js(info[0])]() mutable { return spawn_in_jail(request); };
  return answer(info[1], kSpawn, std::move(work), [runtime = runtime_of(info.Env())](Napi::Env env, Spawned& spawned) {
    return spawned_to_js(env, *runtime, spawned);
  });
}

/** Signals a child whose end was not reported yet, so that the number is its own. */
Napi::Value signal_call(const Napi::CallbackInfo& info) {
  const pid_t child = value_from_js<ProcessId>(info[0], {.call = "kill", .name = "pid"});
  return Napi::Boolean::New(info.Env(), ::kill(child, signal_from_js(info[1])) == 0);
}

/** As Runtime::keep gives it. */
using EventNumber = Integer<std::uint32_t, 0, std::numeric_limits<std::uint32_t>::max()>;

/** Of an event that does not come again. */
Napi::Value over_call(const Napi::CallbackInfo& info) {
  runtime_of(info.Env())->let_go(info.Env(), value_from_js<EventNumber>(info[0], {.call = "over", .name = "number"}));
  return info.Env().Undefined();
}

}  // namespace

void add_event_calls(Napi::Object& calls) {
  const auto env = calls.Env();
  calls.Set("watchJail", Napi::Function::New<watch_jail_call>(env, "watchJail"));
  calls.Set("waitForEnd", Napi::Function::New<wait_for_end_call>(env, "waitForEnd"));
  calls.Set("over", Napi::Function::New<over_call>(env, "over"));
  calls.Set("spawnInJail", Napi::Function::New<spawn_call>(env, "spawnInJail"));
  calls.Set("signal", Napi::Function::New<signal_call>(env, "signal"));
}

}  // namespace buildjail
