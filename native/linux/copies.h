#pragma once

#include "base/result.h"
#include "base/trace.h"
#include "base/unique_fd.h"
#include "linux/init_calls.h"
#include "plan/plan.h"

namespace buildjail {

struct NamespaceOpening;

/**
 * Copies the source of an overlay that is a copy, with the rights of this process. The copy lies in a tmpfs that init
 * makes and does not mount yet; its slot is kCopied. It has no name anywhere, and ends with this process and init.
 * Returns its top folder. Waits until init has made all earlier calls.
 */
Result<UniqueFd> copy_by_host(const Bind& bind, const NamespaceOpening& opening, InitCalls& calls, Trace& trace);

}  // namespace buildjail
