#pragma once

#include "base/result.h"
#include "linux/init_calls.h"

namespace buildjail {

struct NamespaceOpening;

/** Makes the root read-only and the only one, and gives up all rights that a command may not have. */
Status seal(const NamespaceOpening& opening, InitCalls& calls);

}  // namespace buildjail
