#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>

#include "base/result.h"
#include "plan/plan.h"

namespace buildjail {

/**
 * What is mounted at `path` (stat(2)); ESTALE when that is not `source`, which was held by a descriptor
 * since before it was mounted. nmount(2) knows sources by path only, and a path can be made to mean something else at
 * any moment, so what got mounted is compared with what is held. Until that is done nobody but us can reach the mount.
 */
Result<struct stat> verify_mounted(const Bind& bind, int source, const std::string& path);
/** The same of what is open. */
Result<struct stat> verify_shown(const Bind& bind, int source, int shown);

/**
 * Why an input of such an owner is refused. A read-only nullfs passes on what sets ACLs and extended attributes. A
 * build that leases the owner could change these.
 */
SysError leasable_input(const Bind& bind, uid_t owner);

}  // namespace buildjail
