#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/sys_error.h"
#include "envelope/obstacle.h"
#include "plan/plan.h"

namespace buildjail {

/** The step of everything that only overlays need. */
inline constexpr const char* kOverlay = "overlay";

/** A host that has no overlays, as it is told to a caller: ENOTSUP, with the problem and the remedy. */
SysError no_overlay(std::string source, std::string target, const std::string& problem, const std::string& remedy);

/** Without root, only what is the caller's can be the build's. */
SysError overlay_of_another(const Bind& overlay, uid_t owner);
/** Overlayfs shows nothing that is mounted below its source. */
SysError overlay_with_mount(const Bind& overlay, const std::string& mounted);
/** A session of root's that has no user namespace has no map of ids either. */
SysError overlay_without_map(const Bind& overlay);

/** What of this host is in the way of an overlay that the kernel has refused; the same error where it is nothing known.
 */
SysError explain_overlay(SysError error);
/** The same for doctor. */
std::optional<Obstacle> overlay_obstacle(const SysError& error);

}  // namespace buildjail
