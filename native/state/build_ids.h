#pragma once

#include <sys/types.h>

#include <cstdint>

namespace buildjail {

/** The users' numbers that belong to a build for as long as its session lives, in the numbering of the host. */
struct BuildIds {
  uid_t first = 0;
  std::uint64_t count = 1;
  /** Files of others may have them too. Only what was made or changed in the session is then taken for the build's. */
  bool are_shared = true;

  [[nodiscard]] bool contains(uid_t uid) const noexcept { return uid >= first && uid - first < count; }
};

}  // namespace buildjail
