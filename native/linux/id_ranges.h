#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "linux/id_map.h"
#include "plan/plan.h"

namespace buildjail {

/**
 * The ids of this host out of which each session gets a range of its own. Ranges of one size lie side by side from a
 * multiple of it on, so that the number of a range says which ids it has, to every program of the host.
 */
struct IdRanges {
  /** Of the first range. */
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  std::uint32_t size = 0;

  /** How many ids a session gets where there is room. */
  static constexpr std::uint32_t kFull = 65536;
  /** And where there is not: the build user, root and the groups of a spec fit in. */
  static constexpr std::uint32_t kFew = 32;

  [[nodiscard]] IdRange range(std::uint32_t number) const { return {.first = number * size, .size = size}; }
  /** The range of the full size in which one of few ids lies. */
  [[nodiscard]] static std::uint32_t full_around(std::uint32_t number) { return number / (kFull / kFew); }
};

/**
 * Looks for them: where `named` says, or else far from what hosts usually give out. Only ids that this process can map
 * itself (/proc/self/uid_map, gid_map), and none that /etc/subuid or /etc/subgid gives to anybody but `buildjail`.
 * Nothing where there are none; EINVAL, with why, where what is named cannot be had.
 */
Result<std::optional<IdRanges>> find_id_ranges(const std::optional<IdsNamed>& named);

/** Whether this process has one user id and no other, as in a user namespace that an ordinary user has made. */
bool has_one_id();

}  // namespace buildjail
