#pragma once

#include <optional>
#include <vector>

#include "base/sys_error.h"
#include "base/unique_fd.h"
#include "envelope/obstacle.h"

namespace buildjail {

/** Makes the namespaces of a session that has nothing in it, and lets them go again; what kept it from doing so. */
std::optional<SysError> try_namespaces(const UniqueFd& init_image);

/** What sessions of root do without: a user namespace, or most of the ids in it. */
std::vector<Obstacle> find_id_limitations();

/** What of `network` sessions do without. */
std::vector<Obstacle> find_network_limitations();
/** What keeps an input of a session from being an overlay; the namespaces of a session can be made. */
std::optional<Obstacle> find_overlay_limitation(const UniqueFd& init_image);

/** What about this host made a session's namespaces impossible, and the one thing to do about it. */
Obstacle explain(const SysError& error);

}  // namespace buildjail
