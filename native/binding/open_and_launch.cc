#include "binding/open_and_launch.h"

#include <utility>

#include "binding/envelope_wrap.h"
#include "binding/error_to_js.h"
#include "binding/pipes_to_js.h"
#include "binding/prepared_launch.h"
#include "binding/promised_work.h"

namespace buildjail {

namespace {

struct Opened {
  std::shared_ptr<Envelope> envelope;
  Result<pid_t> pid;
  Pipes pipes;
};

Result<Opened> open_then_launch(Runtime& runtime, SharedPlan plan, const std::string& id, PreparedLaunch launch) {
  auto envelope = runtime.open(std::move(plan), id);
  if (!envelope) return std::move(envelope.error());
  Pipes pipes = take_pipes(launch.request, launch.ends);
  auto pid = (*envelope)->launch(std::move(launch.request), std::move(launch.ends));
  return Opened{.envelope = std::move(*envelope), .pid = std::move(pid), .pipes = std::move(pipes)};
}

Napi::Object launched_to_js(Napi::Env env, Runtime& runtime, Opened& opened) {
  auto launched = Napi::Object::New(env);
  auto spawned = Napi::Promise::Deferred::New(env);
  if (opened.pid) {
    launched.Set("stdio", hand_over(env, runtime, opened.pipes));
    spawned.Resolve(Napi::Number::New(env, *opened.pid));
  } else {
    Pipes none;
    launched.Set("stdio", hand_over(env, runtime, none));
    spawned.Reject(error_to_js(env, opened.pid.error()));
  }
  launched.Set("spawned", spawned.Promise());
  return launched;
}

}  // namespace

Napi::Value open_and_launch(Napi::Env env, const std::shared_ptr<Runtime>& runtime,
                            const Napi::FunctionReference& make_envelope, SharedPlan plan, const std::string& id,
                            std::span<const std::byte> packed) {
  auto prepared = prepare_launch(packed, runtime->ready_ends());
  if (!prepared) throw Napi::Error(env, error_to_js(env, prepared.error()));
  // The exit, be it that there is none.
  runtime->began(env);
  const std::uint32_t run = prepared->request.run;
  auto work = [runtime, plan = std::move(plan), id, launch = std::move(*prepared)]() mutable {
    return open_then_launch(*runtime, std::move(plan), id, std::move(launch));
  };
  auto to_js = [runtime, id, run, &make_envelope](Napi::Env at, Result<Opened>& opened) -> Napi::Value {
    if (!opened) runtime->tell_failure(run, opened.error());
    if (opened && !opened->pid) runtime->tell_failure(run, opened->pid.error());
    if (!opened) return at.Undefined();
    OpenedEnvelope wrapped{runtime, opened->envelope, id};
    auto object = Napi::Object::New(at);
    object.Set("envelope", make_envelope.New({Napi::External<OpenedEnvelope>::New(at, &wrapped)}));
    object.Set("launched", launched_to_js(at, *runtime, *opened));
    return object;
  };
  return promise<Opened>(env, runtime, runtime->threads(), std::move(work), std::move(to_js));
}

}  // namespace buildjail
