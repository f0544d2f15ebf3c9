#pragma once

#include <vector>

#include "base/result.h"
#include "envelope/sources.h"
#include "freebsd/spare_list.h"

namespace buildjail {

/**
 * The origin of each source that lies in a nullfs(5) mount of the host: the folder that is mounted there, of which
 * another session may have another name; and what is mounted in outputs. ESTALE where a mount's folder is not where it
 * was when it was mounted.
 */
Status look_at_mounts(std::vector<ShownSource>& sources, SpareList& memory);

}  // namespace buildjail
