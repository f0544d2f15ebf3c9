#pragma once

#include <napi.h>

#include <array>
#include <memory>

#include "binding/runtime.h"
#include "launch/launch_request.h"
#include "launch/stdio_ends.h"
#include "base/unique_fd.h"

namespace buildjail {

/** Our ends of a command's stdin, stdout and stderr, where they are pipes for JavaScript to read and write. */
using Pipes = std::array<std::shared_ptr<UniqueFd>, 3>;

/** What is a socket can still be seen in `ends` afterwards. */
Pipes take_pipes(const LaunchRequest& request, StdioEnds& ends);

/** Their numbers, -1 where there is none. The runtime keeps them until JavaScript says otherwise. */
Napi::Array hand_over(Napi::Env env, Runtime& runtime, Pipes& pipes);

}  // namespace buildjail
