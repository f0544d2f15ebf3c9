#include "linux/session_layers.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/text.h"
#include "base/unique_fd.h"
#include "linux/apply.h"
#include "linux/overlays.h"
#include "linux/upper_layer.h"
#include "plan/plan.h"

namespace buildjail {

namespace {

MountedIn mounted_in(const Layer& layer, const std::list<NamespaceOpening>& openings) {
  MountedIn points;
  for (const NamespaceOpening& opening : openings) {
    for (const Bind* const bind : binds_of(opening.steps)) {
      if (is_below(bind->target, layer.target)) points.emplace(bind->target.substr(layer.target.size() + 1));
    }
  }
  return points;
}

}  // namespace

std::vector<Layer> layers_of(const SessionNamespaces& inside, const std::list<NamespaceOpening>& openings,
                             std::int64_t since_ns) {
  std::vector<Layer> found;
  const auto add = [&](const Bind& overlay, const UniqueFd& folder, const std::string& below) {
    const std::string path = "/proc/self/fd/" + std::to_string(folder.get()) + "/" + below;
    found.push_back({.target = overlay.target,
                     .source = overlay.source,
                     .path = path,
                     .dev = overlay.dev,
                     .ino = overlay.ino,
                     .since_ns = since_ns,
                     .is_copy = overlay.is_copy});
  };
  for (const auto& [overlay, top] : inside.copies()) add(*overlay, top, ".");
  auto room = inside.rooms().begin();
  for (const NamespaceOpening& opening : openings) {
    const auto overlays = layered_of(opening.steps);
    if (overlays.empty() || room == inside.rooms().end()) continue;
    // The folders have the numbers that RootSteps counts down.
    for (std::size_t left = overlays.size(); const Bind* const overlay : overlays)
      add(*overlay, *room, upper_in(std::to_string(--left)));
    ++room;
  }
  return found;
}

Result<bool> is_opaque_in(const std::vector<Layer>& layers, const std::string& target, const std::string& folder) {
  constexpr const char* kStep = "changes";
  for (const Layer& layer : layers) {
    if (layer.target != target || layer.is_copy) continue;
    const auto marks = marks_of(kStep, layer.path);
    if (!marks) return marks.error();
    return is_opaque(kStep, layer.path + folder, *marks);
  }
  return false;
}

Result<std::vector<AppliedChanges>> apply_layers(const std::vector<Layer>& layers,
                                                 const std::vector<std::string>& targets, const std::string& id,
                                                 const std::list<NamespaceOpening>& openings) {
  std::vector<AppliedChanges> all;
  for (const Layer& layer : layers) {
    if (layer.is_copy || std::ranges::find(targets, layer.target) == targets.end()) continue;
    auto applied = apply_changes(layer, id, mounted_in(layer, openings));
    if (!applied) return std::move(applied.error());
    applied->target = layer.target;
    all.push_back(std::move(*applied));
  }
  return all;
}

}  // namespace buildjail
