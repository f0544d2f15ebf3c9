#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "plan/plan.h"

namespace buildjail {

// Inputs in which a build writes: overlayfs on Linux, copies on FreeBSD.

/** The step of everything that only overlays need. */
inline constexpr const char* kOverlay = "overlay";

/** ENOTSUP for an input that cannot be an overlay, with a remedy. */
SysError no_overlay(const Bind& overlay, const std::string& problem, const std::string& remedy);

/**
 * ENOTSUP if the host has a mount below the source of an overlay, which the overlay would not show, and no step mounts
 * something else there. `mounted` has the paths of the mounts below the source, and may have others.
 */
Status confirm_whole(const Bind& overlay, const std::vector<const Bind*>& binds,
                     const std::vector<std::string>& mounted);

}  // namespace buildjail
