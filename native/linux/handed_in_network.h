#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace buildjail {

/**
 * The network namespace that a file of the host's is, to enter it by (setns(2)). Whatever else the file is, it is not
 * opened. EINVAL: it is none.
 */
Result<UniqueFd> open_network(const std::string& path);

}  // namespace buildjail
