#pragma once

#include <optional>

#include "base/sys_error.h"
#include "base/unique_fd.h"
#include "envelope/obstacle.h"

namespace buildjail {

/** Makes the namespaces of a session that has nothing in it, and lets them go again; what kept it from doing so. */
std::optional<SysError> try_namespaces(const UniqueFd& init_image);

/** What about this host made a session's namespaces impossible, and the one thing to do about it. */
Obstacle explain(const SysError& error);

}  // namespace buildjail
