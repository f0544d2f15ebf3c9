#pragma once

#include <napi.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>

#include "base/result.h"
#include "binding/from_js.h"
#include "binding/runtime.h"
#include "binding/to_js.h"
#include "freebsd/iovec_list.h"

namespace buildjail {

// Each function adds its calls to the object that is NativeFreebsd of src/native/freebsd.ts.

void add_jail_calls(Napi::Object& calls);
void add_kernel_calls(Napi::Object& calls);
/** Adds NativeFreebsdEvents: the calls that report something later. */
void add_event_calls(Napi::Object& calls);

// Numbers of the kernel, by their ranges. Negative numbers are excluded if they would mean something else.

/** The kernel refuses a negative one. */
using JailId = Integer<int, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()>;
/** -1 is one that was closed: the kernel says so. */
using JailDescriptor = Integer<int, -1, std::numeric_limits<int>::max()>;
using ProcessId = Integer<int, 1, std::numeric_limits<int>::max()>;
using Flags = Integer<int, 0, std::numeric_limits<int>::max()>;
/** sys/fs/devfs/devfs.h has 16 bits for both. */
using RulesetNumber = Integer<int, 1, std::numeric_limits<std::uint16_t>::max()>;
using RuleNumber = Integer<int, 1, std::numeric_limits<std::uint16_t>::max()>;

/** Pairs of a name and bytes, or null, with a place for the kernel's explanation. The caller cannot pass that place. */
template <>
struct Reader<IovecList> {
  static IovecList read(const Napi::Value& value, const Place& place);
};

/**
 * The answer of a raw call in the form that its last argument asks for: true for an immediate answer or exception,
 * false for a promise. `to_js` is as `promise` takes it.
 */
template <class Work, class ToJs = AsItIs>
Napi::Value answer(const Napi::Value& form, const char* call, Work work, ToJs to_js = {}) {
  const Napi::Env env = form.Env();
  if (!boolean_from_js(form, {.call = call, .name = "isNow"}))
    return promise(env, runtime_of(env), std::move(work), std::move(to_js));
  auto result = caught("call", work);
  if (!result) throw Napi::Error(env, error_to_js(env, result.error()));
  return to_js(env, *result);
}

/** `to_js` for a list of values, each of which `convert(env, value)` makes. */
template <class Convert>
auto each_to_js(Convert convert) {
  return [convert](Napi::Env env, const auto& values) { return list_to_js(env, values, convert); };
}

/** The names of a raw call: in JavaScript, the system call that it makes, and those of its arguments. */
template <std::size_t kCount>
struct CallNames {
  const char* name;
  const char* system_call;
  std::array<const char*, kCount> arguments;
};

/** Adds `work` as a raw call, whose arguments are those of `work`. */
template <class Answer, class... Arguments, class ToJs = AsItIs>
void add(Napi::Object& calls, const CallNames<sizeof...(Arguments)>& names, Answer (*work)(Arguments...),
         ToJs to_js = {}) {
  auto call = [names, work, to_js](const Napi::CallbackInfo& info) {
    std::size_t at = 0;
    const auto next = [&]<class Value>(std::type_identity<Value>) {
      const Place place{.call = names.system_call, .name = names.arguments[at]};
      return value_from_js<Value>(info[at++], place);
    };
    // Braces, because they are made from the first to the last.
    std::tuple<std::decay_t<Arguments>...> arguments{next(std::type_identity<std::decay_t<Arguments>>())...};
    auto applied = [work, arguments = std::move(arguments)]() mutable { return std::apply(work, arguments); };
    return answer(info[sizeof...(Arguments)], names.system_call, std::move(applied), to_js);
  };
  calls.Set(names.name, Napi::Function::New(calls.Env(), std::move(call), names.name));
}

}  // namespace buildjail
