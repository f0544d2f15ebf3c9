#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "plan/plan.h"

namespace buildjail {

/**
 * The device (stat(2)) of what is mounted at `path`; ESTALE when that is not `source`, which was held by a descriptor
 * since before it was mounted. nmount(2) knows sources by path only, and a path can be made to mean something else at
 * any moment, so what got mounted is compared with what is held. Until that is done nobody but us can reach the mount.
 */
Result<std::uint64_t> verify_mounted(const Bind& bind, int source, const std::string& path);

}  // namespace buildjail
