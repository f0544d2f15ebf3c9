#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace buildjail {

/** The place of a session's copy. A user who may write to a folder around it can have exchanged it meanwhile. */
struct KeepPlace {
  /** It existed when the plan was made, with this device and inode. */
  std::string folder;
  std::uint64_t dev;
  std::uint64_t ino;
  /** The folder in it for the copy, if that was missing when the plan was made; else empty. */
  std::string missing;
  /** The id of the session, which names the folder of its copy. */
  std::string id;
};

struct KeepReport {
  /** The files that were not copied, by their paths in the copy. */
  std::vector<std::string> left{};
  /** Why the copy is not whole. */
  std::optional<SysError> failure{};
};

/**
 * Copies directories of the inside into a new folder, by the same paths. No other user can enter it before the end;
 * then all of it has the owner of the folder around it, after a failure too. Refuses a place that is a link, or another
 * folder than when the plan was made, and makes nothing there.
 */
KeepReport keep(int root, const std::vector<std::string>& targets, const KeepPlace& place);

}  // namespace buildjail
