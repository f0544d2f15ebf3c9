#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "linux/call_notices.h"
#include "linux/doubt.h"
#include "linux/path_calls.h"
#include "linux/session_paths.h"

namespace buildjail {

/**
 * The path that a waiting call passes in one argument. The path is empty if the argument names no file. The result is
 * empty if the memory of the caller cannot be read.
 */
std::optional<WantedPath> wanted_by(const CallNotice& notice, const PathCall& call, const PathArgument& argument,
                                    Doubt& doubt);

/** Where a thread's relative paths begin: its working directory, or the folder of a descriptor. */
std::optional<std::string> start_of(pid_t thread, int descriptor, Doubt& doubt);

}  // namespace buildjail
