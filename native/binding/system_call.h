#pragma once

#include <napi.h>

#include <utility>

#include "base/result.h"
#include "binding/promise.h"
#include "binding/to_js.h"

namespace buildjail {

/**
 * The answer of a raw call in the form that its last argument asks for: true is on the spot, and throws; false is a
 * promise. `to_js` is as `promise` takes it.
 */
template <class T, class Work, class ToJs>
Napi::Value answer(const Napi::CallbackInfo& info, Work work, ToJs to_js) {
  const Napi::Env env = info.Env();
  const bool is_now = info[info.Length() - 1].As<Napi::Boolean>();
  if (!is_now) return promise<T>(env, runtime_of(env), std::move(work), std::move(to_js));
  auto result = Result<T>(caught("call", work));
  Napi::Value value = to_js(env, result);
  if (!result) throw Napi::Error(env, error_to_js(env, result.error()));
  return value;
}

/** Of a call that has nothing to tell. */
template <class Work>
Napi::Value answer_nothing(const Napi::CallbackInfo& info, Work work) {
  return answer<void>(info, std::move(work), [](Napi::Env env, const Status&) { return env.Undefined(); });
}

inline std::string string_at(const Napi::CallbackInfo& info, std::size_t at) {
  return info[at].As<Napi::String>().Utf8Value();
}
inline int int_at(const Napi::CallbackInfo& info, std::size_t at) { return info[at].As<Napi::Number>().Int32Value(); }

}  // namespace buildjail
