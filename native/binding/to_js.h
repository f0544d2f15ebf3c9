#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "envelope/envelope.h"
#include "envelope/job.h"
#include "envelope/system.h"
#include "state/recovery.h"

namespace buildjail {

// Values of native code as the interfaces of src/native/binding.ts.

template <class Values, class Convert>
Napi::Array list_to_js(Napi::Env env, const Values& values, Convert convert) {
  auto list = Napi::Array::New(env, values.size());
  std::uint32_t index = 0;
  for (const auto& value : values) list.Set(index++, convert(value));
  return list;
}

/** The NativeFailure of src/errors.ts, as an Error, so that it has a stack wherever it surfaces. */
Napi::Value error_to_js(Napi::Env env, const SysError& error);
Napi::Array strings_to_js(Napi::Env env, const std::vector<std::string>& strings);
std::vector<std::string> strings_from_js(const Napi::Array& list);
Napi::Value trace_to_js(Napi::Env env, const Trace& trace);
/** A NativeJobEnd, but for its envelope. */
Napi::Object job_end_to_js(Napi::Env env, const JobEnd& end);
Napi::Value mounts_to_js(Napi::Env env, const std::vector<MountEntry>& mounts);
/** Undefined where there is none. */
Napi::Value usage_to_js(Napi::Env env, const Result<SessionUsage>& counted);
Napi::Value record_to_js(Napi::Env env, const std::string& id, const Record& record);
Napi::Value close_report_to_js(Napi::Env env, const CloseReport& report);
Napi::Value preflight_to_js(Napi::Env env, const std::vector<Obstacle>& obstacles,
                            const std::vector<Obstacle>& limitations);

Napi::Value recovery_report_to_js(Napi::Env env, const Result<RecoveryReport>& report);
/** Undefined where there is none. */
Napi::Value session_list_to_js(Napi::Env env, const Result<std::vector<ListedSession>>& sessions);

}  // namespace buildjail
