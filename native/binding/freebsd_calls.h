#pragma once

#include <napi.h>

#include <cstddef>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "base/result.h"
#include "binding/runtime.h"
#include "binding/to_js.h"
#include "freebsd/iovec_list.h"

namespace buildjail {

// Each adds its own to the object that is NativeFreebsd of src/native/freebsd.ts.

void add_jail_calls(Napi::Object& calls);
void add_kernel_calls(Napi::Object& calls);
/** Adds NativeFreebsdEvents: the calls that report something later. */
void add_event_calls(Napi::Object& calls);

// An argument of a call.

template <class Value>
Value argument(const Napi::Value& value) = delete;
template <>
inline int argument(const Napi::Value& value) {
  return value.As<Napi::Number>().Int32Value();
}
template <>
inline bool argument(const Napi::Value& value) {
  return value.As<Napi::Boolean>();
}
template <>
inline std::string argument(const Napi::Value& value) {
  return string_from_js(value);
}
/** Pairs of a name and bytes, or null; with a place for the kernel's explanation, unless the caller brought one. */
template <>
IovecList argument(const Napi::Value& value);

/**
 * The answer of a raw call in the form that its last argument asks for: true is on the spot, and throws; false is a
 * promise. `to_js` is as `promise` takes it.
 */
template <class Work, class ToJs = AsItIs>
Napi::Value answer(const Napi::CallbackInfo& info, Work work, ToJs to_js = {}) {
  const Napi::Env env = info.Env();
  const bool is_now = info[info.Length() - 1].As<Napi::Boolean>();
  if (!is_now) return promise(env, runtime_of(env), std::move(work), std::move(to_js));
  auto result = caught("call", work);
  if (!result) throw Napi::Error(env, error_to_js(env, result.error()));
  return to_js(env, *result);
}

/** `to_js` for a list of values, each of which `convert(env, value)` makes. */
template <class Convert>
auto each_to_js(Convert convert) {
  return [convert](Napi::Env env, const auto& values) { return list_to_js(env, values, convert); };
}

/** Adds `work` as a raw call, whose arguments are those of `work`. */
template <class Answer, class... Arguments, class ToJs = AsItIs>
void add(Napi::Object& calls, const char* name, Answer (*work)(Arguments...), ToJs to_js = {}) {
  auto call = [work, to_js](const Napi::CallbackInfo& info) {
    std::size_t at = 0;
    // Braces, because they are made from the first to the last.
    std::tuple<std::decay_t<Arguments>...> arguments{argument<std::decay_t<Arguments>>(info[at++])...};
    auto applied = [work, arguments = std::move(arguments)]() mutable { return std::apply(work, arguments); };
    return answer(info, std::move(applied), to_js);
  };
  calls.Set(name, Napi::Function::New(calls.Env(), std::move(call), name));
}

}  // namespace buildjail
