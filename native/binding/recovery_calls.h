#pragma once

#include <napi.h>

#include <memory>

#include "binding/runtime.h"

namespace buildjail {

// `recover` and `listSessions` of src/native/binding.ts.

Napi::Value recover_call(const Napi::CallbackInfo& info, std::shared_ptr<Runtime> runtime);
Napi::Value list_sessions_call(const Napi::CallbackInfo& info, std::shared_ptr<Runtime> runtime);

}  // namespace buildjail
