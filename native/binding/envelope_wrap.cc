#include "binding/envelope_wrap.h"

#include <optional>
#include <utility>
#include <vector>

#include "binding/bytes_from_js.h"
#include "binding/error_to_js.h"
#include "binding/pipes_to_js.h"
#include "binding/promised_work.h"
#include "binding/to_js.h"
#include "base/caught.h"
#include "base/signal_name.h"

namespace buildjail {

namespace {

Napi::Value undefined(Napi::Env env) { return env.Undefined(); }

}  // namespace

Napi::Function EnvelopeWrap::define(Napi::Env env) {
  return DefineClass(env, "NativeEnvelope",
                     {
                         InstanceAccessor<&EnvelopeWrap::trace>("trace"),
                         InstanceMethod<&EnvelopeWrap::complete>("complete"),
                         InstanceMethod<&EnvelopeWrap::launch>("launch"),
                         InstanceMethod<&EnvelopeWrap::run>("run"),
                         InstanceMethod<&EnvelopeWrap::complete_and_run>("completeAndRun"),
                         InstanceMethod<&EnvelopeWrap::kill>("kill"),
                         InstanceMethod<&EnvelopeWrap::kill_all>("killAll"),
                         InstanceMethod<&EnvelopeWrap::close>("close"),
                         InstanceMethod<&EnvelopeWrap::record>("record"),
                     });
}

EnvelopeWrap::EnvelopeWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<EnvelopeWrap>(info) {
  if (info.Length() != 1 || !info[0].IsExternal()) throw Napi::TypeError::New(info.Env(), "made by openEnvelope only");
  opened_ = *info[0].As<Napi::External<OpenedEnvelope>>().Data();
}

Napi::Value EnvelopeWrap::trace(const Napi::CallbackInfo& info) {
  return trace_to_js(info.Env(), opened_.envelope->trace());
}

Napi::Value EnvelopeWrap::complete(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto rest = read_rest(bytes_from_js(info[0]));
  if (!rest) throw Napi::Error(env, error_to_js(env, rest.error()));
  return promise<void>(
      env, opened_.runtime, opened_.runtime->threads(),
      [envelope = opened_.envelope, rest = std::move(*rest)]() mutable { return envelope->complete(std::move(rest)); },
      [](Napi::Env at, const Status&) { return undefined(at); });
}

Napi::Value EnvelopeWrap::launch(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  refuse_when_ended(env);
  auto prepared = prepare_launch(bytes_from_js(info[0]), opened_.runtime->ready_ends());
  if (!prepared) throw Napi::Error(env, error_to_js(env, prepared.error()));
  // The exit, be it that there is none.
  opened_.runtime->began(env);
  auto result = Napi::Object::New(env);
  Pipes pipes = take_pipes(prepared->request, prepared->ends);
  result.Set("stdio", hand_over(env, *opened_.runtime, pipes));
  auto to_js = [](Napi::Env at, const Result<pid_t>& pid) -> Napi::Value {
    return pid ? Napi::Number::New(at, *pid) : undefined(at);
  };
  auto work = [opened = opened_, launch = std::move(*prepared)]() mutable { return opened.launch(std::move(launch)); };
  result.Set("spawned",
             promise<pid_t>(env, opened_.runtime, opened_.runtime->threads(), std::move(work), std::move(to_js)));
  return result;
}

Napi::Value EnvelopeWrap::run(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  refuse_when_ended(env);
  auto prepared = prepare_launch(bytes_from_js(info[0]), opened_.runtime->ready_ends());
  if (!prepared) throw Napi::Error(env, error_to_js(env, prepared.error()));
  // The exit, be it that there is none.
  opened_.runtime->began(env);
  // Shared, as what is called must be copyable (std::function).
  auto launch = std::make_shared<PreparedLaunch>(std::move(*prepared));
  opened_.runtime->threads().run([opened = opened_, launch] {
    if (opened.launch(std::move(*launch))) opened.runtime->make_ends_ready();
  });
  return undefined(env);
}

Napi::Value EnvelopeWrap::complete_and_run(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  refuse_when_ended(env);
  auto rest = read_rest(bytes_from_js(info[0]));
  if (!rest) throw Napi::Error(env, error_to_js(env, rest.error()));
  const auto packed = bytes_from_js(info[1]);
  // Shared, as what is called must be copyable (std::function).
  auto steps = std::make_shared<std::vector<Step>>(std::move(*rest));
  auto coming = std::make_shared<ComingLaunch>();
  opened_.runtime->threads().run([opened = opened_, steps, coming] {
    auto status = caught("complete", [&] { return opened.envelope->complete(std::move(*steps)); });
    auto launch = coming->take();
    if (!launch) return;
    if (status) {
      if (opened.launch(std::move(*launch))) opened.runtime->make_ends_ready();
    } else {
      opened.runtime->tell_failure(launch->request.run, std::move(status.error()));
    }
  });
  return give(env, *coming, packed);
}

Napi::Value EnvelopeWrap::give(Napi::Env env, ComingLaunch& coming, std::span<const std::byte> packed) {
  auto prepared = caught("launch", [&] { return prepare_launch(packed, opened_.runtime->ready_ends()); });
  std::optional<SysError> failure;
  if (!prepared) failure = prepared.error();
  coming.give(std::move(prepared));
  if (failure) throw Napi::Error(env, error_to_js(env, *failure));
  // The exit, be it that there is none.
  opened_.runtime->began(env);
  return undefined(env);
}

// A listener to process.exit(), or of Bun what a worker thread does after it was terminated: its pipes would be
// nobody's.
void EnvelopeWrap::refuse_when_ended(Napi::Env env) const {
  if (opened_.runtime->is_ended()) throw Napi::Error::New(env, "the environment has ended");
}

Result<pid_t> OpenedEnvelope::launch(PreparedLaunch prepared) const {
  const std::uint32_t run = prepared.request.run;
  auto pid = caught("launch", [&] { return envelope->launch(std::move(prepared.request), std::move(prepared.ends)); });
  if (!pid) runtime->tell_failure(run, pid.error());
  return pid;
}

Napi::Value EnvelopeWrap::kill(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int signal = signal_number(info[1].As<Napi::String>().Utf8Value());
  if (signal == 0) throw Napi::TypeError::New(env, "unknown signal");
  const auto run = info[0].As<Napi::Number>().Uint32Value();
  return Napi::Boolean::New(env, opened_.runtime->waiter().signal(run, signal));
}

Napi::Value EnvelopeWrap::kill_all(const Napi::CallbackInfo& info) {
  return promise<void>(
      info.Env(), opened_.runtime, opened_.runtime->closing_threads(),
      [envelope = opened_.envelope] { return envelope->kill_all(); },
      [](Napi::Env env, const Status&) { return undefined(env); });
}

Napi::Value EnvelopeWrap::close(const Napi::CallbackInfo& info) {
  opened_.envelope->begin_close();
  return promise<CloseReport>(
      info.Env(), opened_.runtime, opened_.runtime->closing_threads(),
      [opened = opened_]() -> Result<CloseReport> { return opened.runtime->close(opened.envelope); },
      [](Napi::Env env, const Result<CloseReport>& report) { return close_report_to_js(env, *report); });
}

Napi::Value EnvelopeWrap::record(const Napi::CallbackInfo& info) {
  return promise<Record>(
      info.Env(), opened_.runtime, opened_.runtime->closing_threads(),
      [envelope = opened_.envelope] { return envelope->record(); },
      [id = opened_.id](Napi::Env env, const Result<Record>& record) {
        return record ? record_to_js(env, id, *record) : undefined(env);
      });
}

}  // namespace buildjail
