#pragma once

#include <sys/types.h>

#include <vector>

#include "base/holder.h"

namespace buildjail {

/**
 * The processes that are still in the namespaces of an init which was killed, and who traces them: a traced process is
 * not gone before its tracer has seen it end. Asking takes a look at every process of the host, so it is done only when
 * they did not end.
 */
std::vector<Holder> processes_left_with(pid_t init);

}  // namespace buildjail
