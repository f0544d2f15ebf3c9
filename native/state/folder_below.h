#pragma once

#include <string_view>

#include "base/unique_fd.h"

namespace buildjail {

/**
 * A folder below another one, by a descriptor that it is found by and that others are opened below. No link is followed
 * on the way. Empty, with errno set, where there is none or a link is on the way. `path` is relative, or begins at the
 * other.
 */
UniqueFd folder_below(int top, std::string_view path);

}  // namespace buildjail
