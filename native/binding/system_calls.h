#pragma once

#include <napi.h>

namespace buildjail {

/** Adds the raw calls of the system compiled for; of any but FreeBSD nothing. */
void export_system_calls(Napi::Env env, Napi::Object exports);

}  // namespace buildjail
