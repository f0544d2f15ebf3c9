#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace buildjail {

/**
 * Copies a directory of the inside, `path`, into one of the host, in which nobody else is let until then: the path in
 * it is the same. All of it gets the owner of the directory around that one.
 * @return what was not copied, by its path in the copy
 */
Result<std::vector<std::string>> keep(int root, const std::string& path, const std::string& into);

}  // namespace buildjail
