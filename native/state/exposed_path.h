#pragma once

#include <string>

#include "base/result.h"

namespace buildjail {

/**
 * EPERM when somebody else could put another folder in the place of `path`: it is a symbolic link or not the caller's
 * own, or a folder around it can be changed by others. A folder that is sticky, as /tmp, lets nobody exchange what is
 * the caller's (chmod(2), S_ISVTX). `path` is absolute and need not be there; the folders around it are.
 */
Status refuse_exposed(const std::string& path);

}  // namespace buildjail
