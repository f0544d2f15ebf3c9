#pragma once

#include <cerrno>

#include "base/result.h"
#include "plan/plan.h"

namespace buildjail {

/**
 * ENOTSUP where the steps have an overlay. unionfs(4) of 15.1 would be the way. In it a folder that is removed and made
 * again has its old content, and it shows either everything with one owner and one mode, so that no script of a source
 * can be executed, or the owners of the source, of whom none is the build.
 */
inline Status refuse_overlays(const std::vector<Step>& steps) {
  const auto overlays = overlays_of(steps);
  if (overlays.empty()) return {};
  return SysError{.step = "overlay",
                  .syscall = "nmount",
                  .err = ENOTSUP,
                  .path = overlays.front()->source,
                  .dest = overlays.front()->target,
                  .detail =
                      "FreeBSD has no file system by which a folder could be written to without being changed "
                      "(unionfs(4) is not fit for that)",
                  .remedy = "copy the folder, and give the copy as an output"};
}

}  // namespace buildjail
