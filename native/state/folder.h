#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace buildjail {

/**
 * Opens a folder below another one, as a descriptor below which others can be opened. Follows no link. Empty, with
 * errno set, if there is none or a link is on the way. `path` is below `top`, with or without a slash in front.
 */
UniqueFd folder_below(int top, std::string_view path);

/** Identifies a directory, whatever its name. */
struct FolderIdentity {
  std::uint64_t dev;
  std::uint64_t ino;
};

/**
 * Makes a folder and the missing folders above it, as the caller and with the caller's umask. `existing` exists and has
 * no links in it; `missing` is a path below it. Uses folders that exist by now, but follows no link. After a failure
 * the folders that were made stay.
 */
Result<FolderIdentity> make_folder(const std::string& existing, std::string_view missing);

}  // namespace buildjail
