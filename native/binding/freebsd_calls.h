#pragma once

#include <napi.h>

#include <string>
#include <utility>

#include "base/result.h"
#include "binding/runtime.h"
#include "binding/to_js.h"
#include "freebsd/iovec_list.h"

namespace buildjail {

// Each adds its own to the object that is NativeFreebsd of src/native/freebsd.ts.

void add_jail_calls(Napi::Env env, Napi::Object& calls);
void add_devfs_calls(Napi::Env env, Napi::Object& calls);
void add_kernel_calls(Napi::Env env, Napi::Object& calls);
/** Exports NativeFreebsdEvents: the calls that report something later. */
void export_kernel_events(Napi::Env env, Napi::Object exports);

/** Pairs of a name and bytes, or null; with a place for the kernel's explanation, unless the caller brought one. */
IovecList iovecs_from_js(const Napi::Value& value);

/**
 * The answer of a raw call in the form that its last argument asks for: true is on the spot, and throws; false is a
 * promise. `to_js` is as `value_to_js` takes it.
 */
template <class Work, class ToJs = AsItIs>
Napi::Value answer(const Napi::CallbackInfo& info, Work work, ToJs to_js = {}) {
  const Napi::Env env = info.Env();
  const bool is_now = info[info.Length() - 1].As<Napi::Boolean>();
  if (!is_now) return promise(env, runtime_of(env), std::move(work), std::move(to_js));
  auto result = caught("call", work);
  if (!result) throw Napi::Error(env, error_to_js(env, result.error()));
  return value_to_js(env, result, to_js);
}

inline std::string string_at(const Napi::CallbackInfo& info, std::size_t at) {
  return info[at].As<Napi::String>().Utf8Value();
}
inline int int_at(const Napi::CallbackInfo& info, std::size_t at) { return info[at].As<Napi::Number>().Int32Value(); }

}  // namespace buildjail
