#pragma once

#include <cstddef>
#include <span>

#include "binding/handover.h"
#include "launch/launch_request.h"
#include "launch/ready_ends.h"
#include "base/result.h"
#include "launch/stdio_ends.h"

namespace buildjail {

/** A command to launch, and its pipes. */
struct PreparedLaunch {
  LaunchRequest request;
  StdioEnds ends;
};

using ComingLaunch = Handover<Result<PreparedLaunch>>;

/** Of a request as src/native/wire.ts packs it. Quick, and throws nothing but std::bad_alloc. */
Result<PreparedLaunch> prepare_launch(std::span<const std::byte> packed, ReadyEnds& ready);

}  // namespace buildjail
