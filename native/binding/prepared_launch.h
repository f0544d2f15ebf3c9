#pragma once

#include <cstddef>
#include <span>

#include "binding/handover.h"
#include "core/launch_request.h"
#include "core/ready_ends.h"
#include "core/result.h"
#include "core/stdio_ends.h"

namespace buildjail {

/** A command to launch, and its pipes. */
struct PreparedLaunch {
  LaunchRequest request;
  StdioEnds ends;
};

using ComingLaunch = Handover<Result<PreparedLaunch>>;

/** Of a request as src/wire.ts packs it. Quick, and throws nothing but std::bad_alloc. */
Result<PreparedLaunch> prepare_launch(std::span<const std::byte> packed, ReadyEnds& ready);

}  // namespace buildjail
