#pragma once

#include <napi.h>

#include <string>
#include <vector>

#include "core/envelope.h"

namespace buildjail {

// Values of native/core as the interfaces of src/native.ts.

Napi::Value trace_to_js(Napi::Env env, const Trace& trace);
Napi::Value exit_to_js(Napi::Env env, Exit& exit);
Napi::Value mounts_to_js(Napi::Env env, const std::vector<MountEntry>& mounts);
Napi::Value record_to_js(Napi::Env env, const std::string& id, const Record& record);
Napi::Value close_report_to_js(Napi::Env env, const CloseReport& report);
Napi::Value preflight_to_js(Napi::Env env, const std::vector<Obstacle>& obstacles,
                            const std::vector<Obstacle>& limitations);

}  // namespace buildjail
