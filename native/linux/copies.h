#pragma once

#include "base/result.h"
#include "base/trace.h"
#include "base/unique_fd.h"
#include "linux/init_calls.h"
#include "plan/plan.h"

namespace buildjail {

struct NamespaceOpening;

/**
 * Copies the source of an overlay that is a copy, as this process reads it. The copy lies in a tmpfs that init makes
 * and mounts nowhere yet: it is kCopied. So it has a name nowhere, and goes when this process and init end. Returns its
 * top folder. Waits until init has made all calls before.
 */
Result<UniqueFd> copy_by_host(const Bind& bind, const NamespaceOpening& opening, InitCalls& calls, Trace& trace);

}  // namespace buildjail
