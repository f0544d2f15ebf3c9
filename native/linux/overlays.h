#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "envelope/overlay.h"
#include "envelope/system.h"
#include "linux/init_calls.h"
#include "linux/mount_table.h"
#include "plan/plan.h"

namespace buildjail {

/** Explains why the kernel refused an overlay. Returns the error itself if the reason is not known. */
SysError explain_overlay(SysError error);

/** The same for doctor; empty if the reason is not known. */
std::optional<Obstacle> overlay_obstacle(const SysError& error);

// The upper layers of a session's overlays lie in the file system of its /tmp, so that one bound holds for both
// together. /tmp becomes a folder of that file system, and nothing else of it has a name inside.

/** The overlays among the steps that are no copies; the steps outlive the result. */
std::vector<const Bind*> layered_of(const std::vector<Step>& steps);

/** Mounts the file system of /tmp, in which nothing is mounted, over the root, and a folder of it at /tmp. */
void take_room(InitCalls& calls);
/** Makes an overlay, in kCopied, of a source that is not mounted anywhere yet; `folder` is the name of its layers. */
void make_overlay(Slot source, const Bind& bind, const std::string& folder, InitCalls& calls);
/** Unmounts the layers; the overlays keep them, and this process gets the folder that they lie in. */
void leave_room(InitCalls& calls);
/** The path of an upper layer from that folder on. */
std::string upper_in(const std::string& folder);

/**
 * The names of the attributes by which the overlay of an upper layer marks what lies there begin with this. A build may
 * have set others, which mean nothing to the overlay.
 */
Result<std::string> marks_of(const char* step, const std::string& upper);

/**
 * ENOTSUP if the host has something mounted below the source of an overlay, which overlayfs would not show, and no
 * other bind of the session covers that place.
 */
Status confirm_whole_overlays(const std::vector<Step>& steps, MountTable& mounts);

}  // namespace buildjail
