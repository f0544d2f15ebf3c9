#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "envelope/record.h"
#include "plan/plan.h"

namespace buildjail {

/** Which ids of the host the ids in a session are. */
struct IdMap {
  std::vector<IdExtent> uids;
  std::vector<IdExtent> gids;

  /** A user inside, all of whose ids are mapped, in the numbering of the host. */
  [[nodiscard]] BuildUser outside(const BuildUser& inside) const;
};

/** All of a session is one user and one group outside, which an ordinary user may map (user_namespaces(7)). */
IdMap map_one(const BuildUser& user, uid_t uid, gid_t gid);

/** As it is written to /proc/pid/uid_map. */
std::string map_text(const std::vector<IdExtent>& map);
/** Reads /proc/pid/uid_map or gid_map. */
Result<std::vector<IdExtent>> read_map(const char* step, const std::string& path);

/**
 * The ids of this host out of which each session gets a range of its own. Ranges of one size lie side by side from a
 * multiple of it on, so the number of a range says which ids it has, to every program of the host.
 */
struct IdRanges {
  /** The number of the first range. */
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  std::uint32_t size = 0;

  /** How many ids a session gets. */
  static constexpr std::uint32_t kFull = 65536;
  /** How many it gets where ids are scarce: enough for the build user, root and the groups of a spec. */
  static constexpr std::uint32_t kFew = 32;

  /** The number of the full range around a range of few ids. */
  [[nodiscard]] static std::uint32_t full_around(std::uint32_t number) { return number / (kFull / kFew); }
};

/**
 * The ids of a session from 0 on are those of the range with that number, of users and of groups alike. The user and
 * the groups of the build are always mapped: those beyond the size of the range get the last ids of it. Empty if the
 * range has too few ids for that.
 */
IdMap map_onto(const IdRanges& ranges, std::uint32_t number, const BuildUser& user);

/**
 * Finds them: among the ids in `named`, or else far from those that hosts usually give out. They are ids that this
 * process can map (/proc/self/uid_map, gid_map) and that /etc/subuid and /etc/subgid give to no one but `buildjail`.
 * Empty if there are none; EINVAL, with the reason, if the named ids cannot be used.
 */
Result<std::optional<IdRanges>> find_id_ranges(const std::optional<IdsNamed>& named);

/**
 * True for an ordinary user, and for root in a user namespace with one id. Such a caller can give a session no other id
 * than its own, in a user namespace that the session makes.
 */
bool has_callers_id_only();

}  // namespace buildjail
