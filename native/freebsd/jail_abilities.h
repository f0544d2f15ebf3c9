#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace buildjail {

/** What of a jail depends on the kernel that runs; that does not change. */
struct JailAbilities {
  static Result<JailAbilities> find();

  /** Jails by descriptor, of which the last to be closed removes the jail (15.0). */
  bool has_descriptors;
  /** `meta` (15.0). */
  bool has_meta;
  std::vector<std::string> networks;
  std::vector<std::string> ipc;
  /** Everything that a jail may be refused, as it is refused. */
  std::vector<std::string> refusals;
};

}  // namespace buildjail
