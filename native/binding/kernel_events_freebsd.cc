#include <sys/wait.h>

#include <fcntl.h>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/signals.h"
#include "binding/freebsd_calls.h"
#include "freebsd/any_jail.h"

namespace buildjail {

namespace {

using SharedRuntime = std::shared_ptr<Runtime>;

/** Destroyed on the JavaScript thread alone: the sender holds a copy of the listener; the runtime owns the original. */
using SharedFunction = std::shared_ptr<Napi::FunctionReference>;

SharedFunction function_at(const Napi::CallbackInfo& info, std::size_t at) {
  return std::make_shared<Napi::FunctionReference>(Napi::Persistent(info[at].As<Napi::Function>()));
}

/** Keeps the thread until `over` is called with the number that is returned. */
Napi::Value keep(Napi::Env env, const SharedRuntime& runtime, Result<std::shared_ptr<EventThread>> started) {
  if (!started) throw Napi::Error(env, error_to_js(env, started.error()));
  runtime->began(env);
  return Napi::Number::New(env, runtime->keep(std::move(*started)));
}

Napi::Value events_to_js(Napi::Env env, const JailEvents& events) {
  return object_to_js(env, Member{"isSet", events.is_set}, Member{"isAttached", events.is_attached},
                      Member{"isChildMade", events.is_child_made}, Member{"isRemoved", events.is_removed},
                      Member{"isMultiple", events.is_multiple}, Member{"number", events.number});
}

Napi::Value watch_jail_call(const Napi::CallbackInfo& info) {
  const auto runtime = runtime_of(info.Env());
  const int number = int_at(info, 0);
  const bool is_descriptor = info[1].As<Napi::Boolean>();
  auto tell = [runtime = std::weak_ptr(runtime), told = function_at(info, 2)](const JailEvents& events) {
    const auto there = runtime.lock();
    if (there) there->tell_more([told, events](Napi::Env env) { told->Call({events_to_js(env, events)}); });
  };
  auto started = is_descriptor ? watch_jail_by(number, std::move(tell)) : watch_jail(number, std::move(tell));
  return keep(info.Env(), runtime, std::move(started));
}

Napi::Value end_to_js(Napi::Env env, const Ending& end) {
  auto object = Napi::Object::New(env);
  if (WIFEXITED(end.status)) object.Set("exitCode", WEXITSTATUS(end.status));
  if (WIFSIGNALED(end.status)) object.Set("signal", signal_name(WTERMSIG(end.status)));
  object.Set("userUs", static_cast<double>(end.user_us));
  object.Set("systemUs", static_cast<double>(end.system_us));
  object.Set("maxRssBytes", static_cast<double>(end.max_rss_bytes));
  return object;
}

Napi::Value wait_for_end_call(const Napi::CallbackInfo& info) {
  const auto runtime = runtime_of(info.Env());
  const pid_t child = int_at(info, 0);
  auto tell = [runtime = std::weak_ptr(runtime), told = function_at(info, 1), child] {
    const auto there = runtime.lock();
    // Waited for where its end is reported: until then its number is its own, so a signal cannot meet another process.
    if (there) there->tell_more([told, child](Napi::Env env) { told->Call({end_to_js(env, take_end(child))}); });
  };
  return keep(info.Env(), runtime, wait_for_end(child, std::move(tell)));
}

std::vector<std::int64_t> numbers_from_js(const Napi::Value& value) {
  std::vector<std::int64_t> numbers;
  const auto list = value.As<Napi::Array>();
  numbers.reserve(list.Length());
  for (std::uint32_t i = 0; i < list.Length(); ++i) {
    const Napi::Value one = list[i];
    bool is_whole = false;
    numbers.push_back(one.IsBigInt() ? one.As<Napi::BigInt>().Int64Value(&is_whole)
                                     : one.As<Napi::Number>().Int64Value());
  }
  return numbers;
}

/** NativeSpawn. Descriptors that were given are copied now, so that they may be closed when the call has returned. */
SpawnRequest request_from_js(const Napi::Object& object) {
  SpawnRequest request;
  const auto number = [&object](const char* name) { return object.Get(name).As<Napi::Number>().Int64Value(); };
  const auto string = [&object](const char* name) { return object.Get(name).As<Napi::String>().Utf8Value(); };
  request.jid = static_cast<int>(number("jid"));
  request.argv = strings_from_js(object.Get("argv").As<Napi::Array>());
  request.environment = strings_from_js(object.Get("environment").As<Napi::Array>());
  request.working_directory = string("cwd");
  request.login_class = string("loginClass");
  request.uid = static_cast<uid_t>(number("uid"));
  request.gid = static_cast<gid_t>(number("gid"));
  const auto groups = numbers_from_js(object.Get("groups"));
  request.groups.reserve(groups.size());
  for (const auto gid : groups) request.groups.push_back(static_cast<gid_t>(gid));
  request.umask = static_cast<mode_t>(number("umask"));
  request.parent_death_signal = signal_number(string("parentDeathSignal"));
  for (const auto step : numbers_from_js(object.Get("leftOut"))) request.steps.leave_out(static_cast<ForkStep>(step));
  const auto limits = numbers_from_js(object.Get("limits"));
  request.limits.reserve(limits.size() / 3);
  for (std::size_t i = 0; i + 2 < limits.size(); i += 3) {
    request.limits.push_back(
        {.resource = static_cast<int>(limits[i]), .limit = {.rlim_cur = limits[i + 1], .rlim_max = limits[i + 2]}});
  }
  const auto stdio = numbers_from_js(object.Get("stdio"));
  for (std::size_t i = 0; i < request.stdio.size(); ++i) {
    constexpr std::int64_t kPipe = -2;
    if (stdio.at(i) == kPipe) request.stdio.at(i) = SpawnRequest::Stdio::kPipe;
    if (stdio.at(i) < 0) continue;
    request.stdio.at(i) = SpawnRequest::Stdio::kDescriptor;
    constexpr int kAboveStdio = 3;
    request.descriptors.at(i).reset(::fcntl(static_cast<int>(stdio.at(i)), F_DUPFD_CLOEXEC, kAboveStdio));
    if (!request.descriptors.at(i))
      throw Napi::Error(object.Env(), error_to_js(object.Env(), last_error("spawn", "fcntl")));
  }
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
  auto to_js = [runtime = runtime_of(info.Env())](Napi::Env env, Spawned& spawned) {
    return spawned_to_js(env, *runtime, spawned);
  };
  auto work = [request = request_from_js(info[0].As<Napi::Object>())]() mutable { return spawn_in_jail(request); };
  return answer(info, std::move(work), std::move(to_js));
}

/** Of a child whose end was not told yet: so the number is its own. */
Napi::Value signal_call(const Napi::CallbackInfo& info) {
  const int signal = info[1].IsNumber() ? int_at(info, 1) : signal_number(string_at(info, 1));
  return Napi::Boolean::New(info.Env(), ::kill(int_at(info, 0), signal) == 0);
}

/** Of an event that will not come again. */
Napi::Value over_call(const Napi::CallbackInfo& info) {
  runtime_of(info.Env())->let_go(info.Env(), info[0].As<Napi::Number>().Uint32Value());
  return info.Env().Undefined();
}

}  // namespace

void export_kernel_events(Napi::Env env, Napi::Object exports) {
  auto events = Napi::Object::New(env);
  events.Set("watchJail", Napi::Function::New<watch_jail_call>(env, "watchJail"));
  events.Set("waitForEnd", Napi::Function::New<wait_for_end_call>(env, "waitForEnd"));
  events.Set("over", Napi::Function::New<over_call>(env, "over"));
  events.Set("spawnInJail", Napi::Function::New<spawn_call>(env, "spawnInJail"));
  events.Set("signal", Napi::Function::New<signal_call>(env, "signal"));
  exports.Set("freebsdEvents", events);
}

}  // namespace buildjail
