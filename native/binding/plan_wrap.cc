#include "binding/plan_wrap.h"

#include <utility>

#include "binding/bytes_from_js.h"
#include "binding/error_to_js.h"

namespace buildjail {

Napi::Function PlanWrap::define(Napi::Env env) { return DefineClass(env, "NativePlan", {}); }

PlanWrap::PlanWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<PlanWrap>(info) {
  auto plan = read_plan(bytes_from_js(info[0]));
  if (!plan) throw Napi::Error(info.Env(), error_to_js(info.Env(), plan.error()));
  plan_ = std::make_shared<const EnvelopePlan>(std::move(*plan));
}

}  // namespace buildjail
