#pragma once

#include <napi.h>

#include "base/sys_error.h"

namespace buildjail {

/** The NativeFailure of src/errors.ts, as an Error, so that it has a stack wherever it surfaces. */
Napi::Value error_to_js(Napi::Env env, const SysError& error);

}  // namespace buildjail
