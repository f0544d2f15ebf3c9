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
  /** As unmount(2) takes it: `FSID:0:1`. Empty where there is none. */
  std::string fsid;
  std::vector<std::string> flags;
};

/** A kind (`mnt`, `pid`, ...) and the number that tells two of the kind apart. */
using NamespaceEntry = std::pair<std::string, std::uint64_t>;

using ParameterValue = std::variant<bool, std::int64_t, std::string, std::vector<std::string>>;

/** What the kernel says an envelope is. */
struct Record {
  std::string root;
  /** FreeBSD: every parameter of the jail. */
  std::vector<std::pair<std::string, ParameterValue>> jail;
  std::vector<MountEntry> mounts;
  /** Linux: what it is made of. */
  std::vector<NamespaceEntry> namespaces;
  /** Linux: which ids of the host those inside are. */
  std::vector<IdExtent> uids, gids;
  /** FreeBSD: who the build is, in the host's numbering. */
  std::optional<BuildUser> user;
  /** Who a command is, in the numbering of the inside. */
  std::optional<Credentials> process;
  /** What holds of the plan's limits, and what holds it. */
  std::vector<AppliedLimit> limits{};
};

}  // namespace buildjail
