#include "linux/whole_overlays.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "linux/overlay_errors.h"

namespace buildjail {

namespace {

bool is_at_or_below(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

}  // namespace

Status confirm_whole_overlays(const std::vector<Step>& steps, MountTable& mounts) {
  const auto binds = binds_of(steps);
  for (const Bind* const overlay : overlays_of(steps)) {
    const auto below = mounts.mounted_below(overlay->source);
    if (!below) return below.error();
    for (const std::string& path : *below) {
      const std::string inside = overlay->target + path.substr(overlay->source.size());
      const bool is_covered = std::ranges::any_of(binds, [&](const Bind* bind) {
        return bind->target.size() > overlay->target.size() && is_at_or_below(bind->target, overlay->target) &&
               is_at_or_below(inside, bind->target);
      });
      // defence: mounted-source-overlay-not
      if (!is_covered) return overlay_with_mount(*overlay, path);
    }
  }
  return {};
}

}  // namespace buildjail
