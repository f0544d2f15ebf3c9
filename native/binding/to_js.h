#pragma once

#include <napi.h>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "envelope/jobs.h"
#include "envelope/system.h"
#include "state/recovery.h"

namespace buildjail {

// Values of native code as the interfaces of src/native/binding.ts.

/** A member of an object. An optional without a value makes none. */
template <class Value>
struct Member {
  const char* name;
  const Value& value;
};

template <class Value>
void set_member(Napi::Object& object, const Member<Value>& member) {
  object.Set(member.name, member.value);
}

template <class Value>
void set_member(Napi::Object& object, const Member<std::optional<Value>>& member) {
  if (member.value) object.Set(member.name, *member.value);
}

template <class... Members>
Napi::Object object_to_js(Napi::Env env, const Members&... members) {
  auto object = Napi::Object::New(env);
  (set_member(object, members), ...);
  return object;
}

/** For a member that is left out if the text is empty. */
inline std::optional<std::string> if_any(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

/** A number, a text or nothing, as JavaScript gets it. */
struct AsItIs {
  Napi::Value operator()(Napi::Env env, std::monostate) const { return env.Undefined(); }
  template <class Value>
  Napi::Value operator()(Napi::Env env, const Value& value) const {
    return Napi::Value::From(env, value);
  }
};

/** `convert(env, value)` makes each one. */
template <class Values, class Convert = AsItIs>
Napi::Array list_to_js(Napi::Env env, const Values& values, Convert convert = {}) {
  auto list = Napi::Array::New(env, values.size());
  std::uint32_t index = 0;
  for (const auto& value : values) list.Set(index++, convert(env, value));
  return list;
}

/** The NativeFailure of src/errors.ts, as an Error, so that it has a stack wherever it surfaces. */
Napi::Value error_to_js(Napi::Env env, const SysError& error);
Napi::Value trace_to_js(Napi::Env env, const Trace& trace);
/** A NativeJobEnd, but for its envelope. Takes the output from `end`. */
Napi::Object job_end_to_js(Napi::Env env, JobEnd& end);
Napi::Value mount_to_js(Napi::Env env, const MountEntry& mount);
Napi::Value usage_to_js(Napi::Env env, const SessionUsage& usage);
Napi::Value process_to_js(Napi::Env env, const SessionProcess& process);
Napi::Value record_to_js(Napi::Env env, const std::string& id, const Record& record);
Napi::Value close_report_to_js(Napi::Env env, const CloseReport& report);
Napi::Value obstacle_to_js(Napi::Env env, const Obstacle& obstacle);
Napi::Value recovery_report_to_js(Napi::Env env, const RecoveryReport& report);
Napi::Value network_event_to_js(Napi::Env env, const NetworkEvent& event);
Napi::Value listed_to_js(Napi::Env env, const ListedSession& session);

}  // namespace buildjail
