#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "plan/plan.h"

namespace buildjail {

// A plan names files of the host. Another program can put others in their places before a session opens.

inline constexpr const char* kStaleSource = "the source is another file than when the plan was made";

/** Whether an open source is the file that was planned, where that matters. */
inline bool is_planned(const Bind& bind, const struct stat& found) {
  // defence: source-file-planned
  if (bind.dev == 0 && bind.ino == 0) return true;
  return found.st_ino == bind.ino && static_cast<std::uint64_t>(found.st_dev) == bind.dev;
}

/** The source, held by a descriptor; ESTALE when it is another file by now than when it was planned. */
Result<UniqueFd> pin_source(const Bind& bind);

/** ESTALE when what is at `path` is another device by now than when it was planned. `step` is for errors. */
Status confirm_device(const std::string& path, const NamedDevice& device, const char* step);

}  // namespace buildjail
