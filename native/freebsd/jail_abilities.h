#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace buildjail {

inline constexpr const char* kNoOwnNetworks = "this kernel has no network stacks of a jail's own (vnet(9))";
inline constexpr const char* kHowToHaveNetworks = "boot a kernel with options VIMAGE, as GENERIC has it";

/** What of a jail depends on the kernel that runs; that does not change. */
struct JailAbilities {
  static Result<JailAbilities> find();

  /** Jails by descriptor, of which the last to be closed removes the jail (15.0). */
  bool has_descriptors;
  /** `meta` (15.0). */
  bool has_meta;
  /** Network stacks of a jail's own (vnet(9)). */
  bool has_vnet;
  std::vector<std::string> networks;
  std::vector<std::string> ipc;
  /** Everything that a jail may be refused, as it is refused. */
  std::vector<std::string> refusals;
};

}  // namespace buildjail
