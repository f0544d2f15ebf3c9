#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <vector>

#include "base/result.h"
#include "envelope/envelope.h"
#include "linux/parts.h"
#include "linux/session_namespaces.h"

namespace buildjail {

/** The layers of all overlays of a session. `since_ns` as in Layer. */
std::vector<Layer> layers_of(const SessionNamespaces& inside, const std::list<NamespaceOpening>& openings,
                             std::int64_t since_ns);

/** Whether a folder of the overlay at `target` shows nothing of the source. */
Result<bool> is_opaque_in(const std::vector<Layer>& layers, const std::string& target, const std::string& folder);

/** Applies the overlays at `targets`; `id` is the session's. */
Result<std::vector<AppliedChanges>> apply_layers(const std::vector<Layer>& layers,
                                                 const std::vector<std::string>& targets, const std::string& id,
                                                 const std::list<NamespaceOpening>& openings);

}  // namespace buildjail
