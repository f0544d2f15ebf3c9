#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "linux/call_notices.h"
#include "linux/doubt.h"
#include "linux/path_calls.h"
#include "linux/session_paths.h"

namespace buildjail {

/** Of one argument of a call that waits. Its path is empty where there is none; nothing where it cannot be told. */
std::optional<WantedPath> wanted_by(const CallNotice& notice, const PathCall& call, const PathArgument& argument,
                                    Doubt& doubt);

/** Where a thread's relative paths begin: its working directory, or the folder of a descriptor. */
std::optional<std::string> start_of(pid_t thread, int descriptor, Doubt& doubt);

}  // namespace buildjail
