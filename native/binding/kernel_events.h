#pragma once

#include <napi.h>

#include <memory>

#include "binding/runtime.h"

namespace buildjail {

/** Adds what of the system's raw calls is told of later, where it has any to offer; one file a system defines it. */
void export_kernel_events(Napi::Env env, Napi::Object exports, const std::shared_ptr<Runtime>& runtime);

}  // namespace buildjail
