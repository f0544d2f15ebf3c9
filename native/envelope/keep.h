#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace buildjail {

/** Where a session's copy goes. Who may write to a folder around it can have exchanged it meanwhile. */
struct KeepPlace {
  /** It was there when the plan was made, and was this one. */
  std::string folder;
  std::uint64_t dev;
  std::uint64_t ino;
  /** The folder in it that was missing then, and that the copy goes to. Empty where that was there. */
  std::string missing;
  /** Of the session: the copy gets a folder of this name. */
  std::string id;
};

struct KeepReport {
  /** What was not copied, by its path in the copy. */
  std::vector<std::string> left{};
  /** Why the copy is not whole. */
  std::optional<SysError> failure{};
};

/**
 * Copies directories of the inside into a new folder, by the same paths. Nobody else is let into it before the end, a
 * failure too; then all of it has the owner of the folder around it. A folder that is another one than when the plan
 * was made, or a link, is refused, and nothing is made.
 */
KeepReport keep(int root, const std::vector<std::string>& targets, const KeepPlace& place);

}  // namespace buildjail
