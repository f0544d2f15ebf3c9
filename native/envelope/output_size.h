#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace buildjail {

struct OutputSize {
  /** On disk, in bytes: a hole takes nothing. */
  std::uint64_t bytes = 0;
  /** Files of every kind, folders too, by their names. */
  std::uint64_t files = 0;
};

/**
 * The present content of folders of the host. A build may be changing them: no link is followed, and mounts in them are
 * not counted.
 */
Result<OutputSize> size_of_outputs(const std::vector<std::string>& folders);

}  // namespace buildjail
