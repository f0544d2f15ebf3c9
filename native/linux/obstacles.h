#pragma once

#include <optional>
#include <vector>

#include "base/sys_error.h"
#include "base/unique_fd.h"
#include "envelope/system.h"

namespace buildjail {

/** Makes the namespaces of an empty session, and ends it again. Returns the error if that failed. */
std::optional<SysError> try_namespaces(const UniqueFd& init_image);

/** Reports if sessions of root go without a user namespace, or without most of its ids. */
std::vector<Obstacle> find_id_limitations();

/** Reports which networks sessions cannot have. */
std::vector<Obstacle> find_network_limitations();
/** Reports what keeps inputs from being overlays, on a host where try_namespaces() succeeds. */
std::optional<Obstacle> find_overlay_limitation(const UniqueFd& init_image);

/** Explains why a session's namespaces cannot be made on this host, with one remedy. */
Obstacle explain(const SysError& error);

}  // namespace buildjail
