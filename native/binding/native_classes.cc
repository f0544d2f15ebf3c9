#include "binding/native_classes.h"

#include <utility>

#include "binding/runtime.h"
#include "binding/to_js.h"
#include "envelope/keep.h"

namespace buildjail {

namespace {

Napi::Value undefined(Napi::Env env) { return env.Undefined(); }

/** NativeKeepPlace of src/native/binding.ts. */
KeepPlace place_from_js(const Napi::Object& object) {
  const auto text = [&](const char* name) { return object.Get(name).As<Napi::String>().Utf8Value(); };
  const auto number = [&](const char* name) {
    bool is_whole = false;
    return object.Get(name).As<Napi::BigInt>().Uint64Value(&is_whole);
  };
  return {.folder = text("folder"),
          .dev = number("dev"),
          .ino = number("ino"),
          .missing = text("missing"),
          .id = text("id")};
}

Napi::Value keep_report_to_js(Napi::Env env, const KeepReport& report) {
  auto object = Napi::Object::New(env);
  object.Set("left", strings_to_js(env, report.left));
  object.Set("failure", report.failure ? error_to_js(env, *report.failure) : env.Undefined());
  return object;
}

}  // namespace

Napi::Function PlanWrap::define(Napi::Env env) { return DefineClass(env, "NativePlan", {}); }

PlanWrap::PlanWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<PlanWrap>(info) {
  auto plan = read_plan(bytes_from_js(info[0]));
  if (!plan) throw Napi::Error(info.Env(), error_to_js(info.Env(), plan.error()));
  plan_ = std::make_shared<const EnvelopePlan>(std::move(*plan));
}

Napi::Function EnvelopeWrap::define(Napi::Env env) {
  return DefineClass(env, "NativeEnvelope",
                     {
                         InstanceAccessor<&EnvelopeWrap::trace>("trace"),
                         InstanceMethod<&EnvelopeWrap::kill_all>("killAll"),
                         InstanceMethod<&EnvelopeWrap::keep>("keep"),
                         InstanceMethod<&EnvelopeWrap::close>("close"),
                         InstanceMethod<&EnvelopeWrap::record>("record"),
                         InstanceMethod<&EnvelopeWrap::usage>("usage"),
                     });
}

EnvelopeWrap::EnvelopeWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<EnvelopeWrap>(info) {
  if (info.Length() != 1 || !info[0].IsExternal()) throw Napi::TypeError::New(info.Env(), "made by a job only");
  opened_ = *info[0].As<Napi::External<OpenedEnvelope>>().Data();
}

Napi::Value EnvelopeWrap::trace(const Napi::CallbackInfo& info) {
  return trace_to_js(info.Env(), opened_.envelope->trace());
}

Napi::Value EnvelopeWrap::kill_all(const Napi::CallbackInfo& info) {
  return promise<void>(
      info.Env(), opened_.runtime, [envelope = opened_.envelope] { return envelope->kill_all(); },
      [](Napi::Env env, const Status&) { return undefined(env); });
}

Napi::Value EnvelopeWrap::keep(const Napi::CallbackInfo& info) {
  return promise<KeepReport>(
      info.Env(), opened_.runtime,
      [envelope = opened_.envelope, targets = strings_from_js(info[0].As<Napi::Array>()),
       place = place_from_js(info[1].As<Napi::Object>())]() -> Result<KeepReport> {
        auto root = envelope->open_root();
        if (!root) return std::move(root.error());
        return buildjail::keep(root->get(), targets, place);
      },
      [](Napi::Env env, const Result<KeepReport>& report) {
        return report ? keep_report_to_js(env, *report) : undefined(env);
      });
}

Napi::Value EnvelopeWrap::close(const Napi::CallbackInfo& info) {
  opened_.envelope->begin_close();
  return promise<CloseReport>(
      info.Env(), opened_.runtime,
      [opened = opened_]() -> Result<CloseReport> { return opened.runtime->jobs().close(opened.envelope); },
      [](Napi::Env env, const Result<CloseReport>& report) { return close_report_to_js(env, *report); });
}

Napi::Value EnvelopeWrap::record(const Napi::CallbackInfo& info) {
  return promise<Record>(
      info.Env(), opened_.runtime, [envelope = opened_.envelope] { return envelope->record(); },
      [id = opened_.id](Napi::Env env, const Result<Record>& record) {
        return record ? record_to_js(env, id, *record) : undefined(env);
      });
}

Napi::Value EnvelopeWrap::usage(const Napi::CallbackInfo& info) {
  return promise<SessionUsage>(
      info.Env(), opened_.runtime, [envelope = opened_.envelope] { return envelope->usage(); }, usage_to_js);
}

}  // namespace buildjail
