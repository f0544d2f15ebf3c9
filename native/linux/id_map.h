#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "plan/plan.h"

namespace buildjail {

/** So many ids from `first` on, of users and of groups alike. */
struct IdRange {
  std::uint32_t first = 0;
  std::uint32_t size = 0;
};

/** Which ids of the host those in a session are. */
struct IdMap {
  std::vector<IdExtent> uids;
  std::vector<IdExtent> gids;

  /** Root inside, in the numbering of the host. */
  [[nodiscard]] BuildUser root_outside() const;
  /** The same of a user inside, all of whose ids are mapped. */
  [[nodiscard]] BuildUser outside(const BuildUser& inside) const;
};

/**
 * The ids of a session from 0 on are those of the range. The user and the groups of the build are mapped in any case:
 * where they are greater than all that the range has room for, they get the last of it. Empty where it has too little
 * room for that too.
 */
IdMap map_onto(const IdRange& range, const BuildUser& user);

/** All of a session is one user and one group outside, as an ordinary user may have it (user_namespaces(7)). */
IdMap map_one(const BuildUser& user, uid_t uid, gid_t gid);

/** As it is written to /proc/pid/uid_map. */
std::string map_text(const std::vector<IdExtent>& map);
/** /proc/pid/uid_map or gid_map. */
Result<std::vector<IdExtent>> read_map(const char* step, const std::string& path);

}  // namespace buildjail
