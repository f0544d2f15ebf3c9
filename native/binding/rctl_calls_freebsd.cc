#include "binding/system_call.h"
#include "binding/system_calls_freebsd.h"
#include "freebsd/rctl.h"

namespace buildjail {

namespace {

Napi::Value add_call(const Napi::CallbackInfo& info) {
  return answer_nothing(info, [rule = string_at(info, 0)] { return rctl_add(rule); });
}

Napi::Value remove_call(const Napi::CallbackInfo& info) {
  return answer_nothing(info, [filter = string_at(info, 0)] { return rctl_remove(filter); });
}

Napi::Value rules_call(const Napi::CallbackInfo& info) {
  auto to_js = [](Napi::Env env, const Result<std::string>& rules) -> Napi::Value {
    return rules ? Napi::Value(Napi::String::New(env, *rules)) : env.Undefined();
  };
  return answer<std::string>(info, [filter = string_at(info, 0)] { return rctl_rules(filter); }, to_js);
}

Napi::Value usage_to_js(Napi::Env env, const Result<RctlUsage>& usage) {
  if (!usage) return env.Undefined();
  auto object = Napi::Object::New(env);
  for (const auto& [resource, amount] : *usage) object.Set(resource, Napi::BigInt::New(env, amount));
  return object;
}

Napi::Value usage_call(const Napi::CallbackInfo& info) {
  return answer<RctlUsage>(info, [subject = string_at(info, 0)] { return rctl_usage(subject); }, usage_to_js);
}

}  // namespace

void add_rctl_calls(Napi::Env env, Napi::Object& calls) {
  calls.Set("rctlAdd", Napi::Function::New<add_call>(env, "rctlAdd"));
  calls.Set("rctlRemove", Napi::Function::New<remove_call>(env, "rctlRemove"));
  calls.Set("rctlRules", Napi::Function::New<rules_call>(env, "rctlRules"));
  calls.Set("rctlUsage", Napi::Function::New<usage_call>(env, "rctlUsage"));
}

}  // namespace buildjail
