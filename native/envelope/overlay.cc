#include "envelope/overlay.h"

#include <algorithm>
#include <cerrno>

#include "base/text.h"

namespace buildjail {

SysError no_overlay(const Bind& overlay, const std::string& problem, const std::string& remedy) {
  return {.step = kOverlay,
          .syscall = "mount",
          .err = ENOTSUP,
          .path = overlay.source,
          .dest = overlay.target,
          .detail = problem,
          .remedy = remedy};
}

Status confirm_whole(const Bind& overlay, const std::vector<const Bind*>& binds,
                     const std::vector<std::string>& mounted) {
  for (const std::string& path : mounted) {
    if (!is_below(path, overlay.source)) continue;
    const std::string inside = overlay.target + path.substr(overlay.source.size());
    const bool is_covered = std::ranges::any_of(binds, [&](const Bind* bind) {
      return is_below(bind->target, overlay.target) && is_within(inside, bind->target);
    });
    // defence: mounted-source-overlay-not
    if (!is_covered)
      return no_overlay(overlay, path + " is mounted in the folder, and an overlay does not show it",
                        "make what is mounted there an input of its own, at its place in the overlay");
  }
  return {};
}

}  // namespace buildjail
