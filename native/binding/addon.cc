#include <napi.h>

#include <memory>
#include <utility>

#include "binding/build_once.h"
#include "binding/bytes_from_js.h"
#include "binding/envelope_wrap.h"
#include "binding/error_to_js.h"
#include "binding/open_and_launch.h"
#include "binding/plan_wrap.h"
#include "binding/promised_work.h"
#include "binding/recovery_calls.h"
#include "binding/runtime.h"
#include "binding/system_calls.h"
#include "binding/to_js.h"

namespace buildjail {

/** NativeBinding of src/native/binding.ts; one for each environment that loads it. */
class Addon final : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env env, Napi::Object exports) : runtime_(std::make_shared<Runtime>()) {
    DefineAddon(exports, {
                             InstanceValue("system", Napi::String::New(env, runtime_->system().name())),
                             InstanceMethod("preflight", &Addon::preflight),
                             InstanceMethod("setExitListener", &Addon::set_exit_listener),
                             InstanceMethod("releaseDescriptor", &Addon::release_descriptor),
                             InstanceMethod("closeDescriptor", &Addon::close_descriptor),
                             InstanceMethod("shutDown", &Addon::shut_down),
                             InstanceMethod("readPlan", &Addon::read_plan),
                             InstanceMethod("openEnvelope", &Addon::open_envelope),
                             InstanceMethod("recover", &Addon::recover),
                             InstanceMethod("listSessions", &Addon::list_sessions),
                             InstanceMethod("openAndLaunch", &Addon::open_and_launch),
                             InstanceMethod("buildOnce", &Addon::build_once),
                         });
    export_system_calls(env, exports);
    plan_class_ = Napi::Persistent(PlanWrap::define(env));
    envelope_class_ = Napi::Persistent(EnvelopeWrap::define(env));
  }

 private:
  Napi::Value preflight(const Napi::CallbackInfo& info) {
    System& system = runtime_->system();
    return preflight_to_js(info.Env(), system.find_obstacles(), system.find_limitations());
  }

  Napi::Value set_exit_listener(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    if (runtime_->is_started()) throw Napi::Error::New(env, "there is an exit listener already");
    if (auto status = runtime_->start(env, info[0].As<Napi::Function>(), info[1].As<Napi::Function>(),
                                      info[2].As<Napi::Function>());
        !status) {
      throw Napi::Error(env, error_to_js(env, status.error()));
    }
    // After the listener was made: hooks run youngest first, and the listener's own must find the waiter gone.
    env.AddCleanupHook([runtime = runtime_] { runtime->shut_down(); });
    return env.Undefined();
  }

  Napi::Value shut_down(const Napi::CallbackInfo& info) {
    runtime_->shut_down();
    return info.Env().Undefined();
  }

  Napi::Value release_descriptor(const Napi::CallbackInfo& info) {
    runtime_->release_descriptor(info[0].As<Napi::Number>().Int32Value());
    return info.Env().Undefined();
  }

  Napi::Value close_descriptor(const Napi::CallbackInfo& info) {
    runtime_->close_descriptor(info[0].As<Napi::Number>().Int32Value());
    return info.Env().Undefined();
  }

  Napi::Value read_plan(const Napi::CallbackInfo& info) { return plan_class_.New({info[0]}); }

  Napi::Value open_envelope(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    SharedPlan plan = plan_from(info);
    const std::string id = info[1].As<Napi::String>().Utf8Value();
    auto work = [runtime = runtime_, plan = std::move(plan), id]() mutable {
      return runtime->open(std::move(plan), id);
    };
    auto to_js = [this, id](Napi::Env at, const Result<std::shared_ptr<Envelope>>& envelope) -> Napi::Value {
      if (!envelope) return at.Undefined();
      OpenedEnvelope opened{runtime_, *envelope, id};
      return envelope_class_.New({Napi::External<OpenedEnvelope>::New(at, &opened)});
    };
    return promise<std::shared_ptr<Envelope>>(env, runtime_, runtime_->threads(), std::move(work), std::move(to_js));
  }

  Napi::Value recover(const Napi::CallbackInfo& info) { return recover_call(info, runtime_); }
  Napi::Value list_sessions(const Napi::CallbackInfo& info) { return list_sessions_call(info, runtime_); }
  Napi::Value open_and_launch(const Napi::CallbackInfo& info) { return with_request(info, buildjail::open_and_launch); }
  Napi::Value build_once(const Napi::CallbackInfo& info) { return with_request(info, buildjail::build_once); }

  template <class Call>
  Napi::Value with_request(const Napi::CallbackInfo& info, Call call) {
    SharedPlan plan = plan_from(info);
    const std::string id = info[1].As<Napi::String>().Utf8Value();
    return call(info.Env(), runtime_, envelope_class_, std::move(plan), id, bytes_from_js(info[2]));
  }

  /** The first argument. */
  SharedPlan plan_from(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (!runtime_->is_started()) throw Napi::Error::New(env, "no exit listener");
    const bool is_plan = info[0].IsObject() && info[0].As<Napi::Object>().InstanceOf(plan_class_.Value());
    if (!is_plan) throw Napi::TypeError::New(env, "made by readPlan only");
    return PlanWrap::Unwrap(info[0].As<Napi::Object>())->plan();
  }

  std::shared_ptr<Runtime> runtime_;
  Napi::FunctionReference plan_class_;
  Napi::FunctionReference envelope_class_;
};

}  // namespace buildjail

using buildjail::Addon;
NODE_API_ADDON(Addon)
