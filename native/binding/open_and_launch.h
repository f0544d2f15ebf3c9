#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "binding/runtime.h"

namespace buildjail {

/**
 * Opens an envelope and launches a command in it, on one worker thread with nothing in between: a NativeOpened of
 * src/native/binding.ts. `make_envelope` wraps an OpenedEnvelope.
 */
Napi::Value open_and_launch(Napi::Env env, const std::shared_ptr<Runtime>& runtime,
                            const Napi::FunctionReference& make_envelope, SharedPlan plan, const std::string& id,
                            std::span<const std::byte> packed);

}  // namespace buildjail
