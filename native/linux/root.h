#pragma once

#include "base/result.h"
#include "base/trace.h"
#include "linux/init_calls.h"
#include "linux/sources.h"

namespace buildjail {

struct NamespaceOpening;

/**
 * The files and mounts of a plan, or of the rest of a base, in a session's root, as calls for init. Copies the sources
 * that this process must copy. The trace is for calls that init has made by then.
 */
Status add_root(const NamespaceOpening& opening, const SourceOwners& owners, InitCalls& calls, Trace& trace);

}  // namespace buildjail
