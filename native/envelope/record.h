#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "envelope/accounting.h"
#include "plan/plan.h"

namespace buildjail {

/** One line of the mount table. */
struct MountEntry {
  std::string type;
  std::string from;
  std::string on;
  /** For unmount(2): `FSID:0:1`. Empty if the system has no such id. */
  std::string fsid;
  std::vector<std::string> flags;
};

/** A kind (`mnt`, `pid`, ...) and the number that tells two of the kind apart. */
using NamespaceEntry = std::pair<std::string, std::uint64_t>;

using ParameterValue = std::variant<bool, std::int64_t, std::string, std::vector<std::string>>;

/** The kernel's own report of an envelope. */
struct Record {
  std::string root;
  /** FreeBSD: every parameter of the jail. */
  std::vector<std::pair<std::string, ParameterValue>> jail;
  std::vector<MountEntry> mounts;
  /** Linux: its namespaces. */
  std::vector<NamespaceEntry> namespaces;
  /** Linux: the maps from ids inside to ids of the host. */
  std::vector<IdExtent> uids, gids;
  /** FreeBSD: the build user, by the ids of the host. */
  std::optional<BuildUser> user;
  /** The credentials of a command, by the ids inside. */
  std::optional<Credentials> process;
  /** The limits of the plan that are enforced. */
  std::vector<AppliedLimit> limits{};
};

}  // namespace buildjail
