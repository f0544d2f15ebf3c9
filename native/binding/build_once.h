#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "binding/runtime.h"

namespace buildjail {

/**
 * Opens an envelope, runs one command in it and closes it; JavaScript hears of it once, at the end: a promise of a
 * NativeBuilt of src/native/binding.ts. `make_envelope` wraps an OpenedEnvelope.
 */
Napi::Value build_once(Napi::Env env, const std::shared_ptr<Runtime>& runtime,
                       const Napi::FunctionReference& make_envelope, SharedPlan plan, const std::string& id,
                       std::span<const std::byte> packed);

}  // namespace buildjail
