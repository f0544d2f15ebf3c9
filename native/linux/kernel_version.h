#pragma once

#include <utility>

namespace buildjail {

/** Major and minor, as uname(2) says; {0, 0} where that cannot be read. */
std::pair<int, int> kernel_version();

}  // namespace buildjail
