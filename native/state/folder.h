#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace buildjail {

/**
 * A folder below another one, by a descriptor that it is found by and that others are opened below. No link is followed
 * on the way. Empty, with errno set, where there is none or a link is on the way. `path` is relative, or begins at the
 * other.
 */
UniqueFd folder_below(int top, std::string_view path);

/** A directory, whatever its name. */
struct FolderIdentity {
  std::uint64_t dev;
  std::uint64_t ino;
};

/**
 * Makes a folder with all that is missing above it, as the caller and with the caller's umask. `existing` is there and
 * has no links in it; `missing` is a path below it. By descriptor: what is there by now is used, but no link. What was
 * made stays, also where the rest could not be made.
 */
Result<FolderIdentity> make_folder(const std::string& existing, std::string_view missing);

}  // namespace buildjail
