#pragma once

#include <sys/stat.h>

#include <cstdint>

#include "plan/plan.h"

namespace buildjail {

inline constexpr const char* kStaleSource = "the source is another file than when the plan was made";

/** Whether an open source is the file that was planned, where that matters. */
inline bool is_planned(const Bind& bind, const struct stat& found) {
  if (bind.dev == 0 && bind.ino == 0) return true;
  return found.st_ino == bind.ino && static_cast<std::uint64_t>(found.st_dev) == bind.dev;
}

}  // namespace buildjail
