#pragma once

#include <napi.h>

namespace buildjail {

/** Adds the raw calls of the system compiled for, where it has any to offer; one file a system defines it. */
void export_system_calls(Napi::Env env, Napi::Object exports);

}  // namespace buildjail
