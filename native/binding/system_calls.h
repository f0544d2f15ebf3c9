#pragma once

#include <napi.h>

#include <memory>

#include "binding/runtime.h"

namespace buildjail {

// One file for each system defines these; elsewhere they add nothing.

/** Adds the raw calls of the system compiled for. */
void export_system_calls(Napi::Env env, Napi::Object exports);
/** Adds those of the raw calls that tell of something later. */
void export_kernel_events(Napi::Env env, Napi::Object exports, const std::shared_ptr<Runtime>& runtime);

}  // namespace buildjail
