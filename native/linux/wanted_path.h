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
 * What a call that waits wants by one argument. Its path is empty if the argument names no file. Empty if the memory of
 * the caller does not tell.
 */
std::optional<WantedPath> wanted_by(const CallNotice& notice, const PathCall& call, const PathArgument& argument,
                                    Doubt& doubt);

/** Where a thread's relative paths begin: its working directory, or the folder of a descriptor. */
std::optional<std::string> start_of(pid_t thread, int descriptor, Doubt& doubt);

}  // namespace buildjail
