#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "plan/plan.h"

namespace buildjail {

// Inputs in which a build writes: overlayfs on Linux, copies on FreeBSD.

/** The step of all that only overlays need. */
inline constexpr const char* kOverlay = "overlay";

/** ENOTSUP: an input cannot be an overlay, with what to do about it. */
SysError no_overlay(const Bind& overlay, const std::string& problem, const std::string& remedy);

/**
 * ENOTSUP if the host has something mounted below the source of an overlay, which that would not show, and no step
 * mounts something else there. `mounted` are the paths of what is mounted below the source, or more.
 */
Status confirm_whole(const Bind& overlay, const std::vector<const Bind*>& binds,
                     const std::vector<std::string>& mounted);

}  // namespace buildjail
