#pragma once

#include <napi.h>

#include <array>

#include "core/launch_request.h"
#include "core/stdio_ends.h"
#include "core/unique_fd.h"

namespace buildjail {

/** Our ends of a command's stdin, stdout and stderr, where they are pipes for JavaScript to read and write. */
using Pipes = std::array<UniqueFd, 3>;

Pipes take_pipes(const LaunchRequest& request, StdioEnds& ends);

/** Their numbers, -1 where there is none; whose they are from here on is JavaScript's. */
Napi::Array hand_over(Napi::Env env, Pipes& pipes);

}  // namespace buildjail
