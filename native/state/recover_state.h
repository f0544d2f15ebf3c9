#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>

#include "state/recovery.h"

namespace buildjail {

/** The whole state directory, by the system's own means: see Recovery::run. Defined by each system's folder. */
RecoveryReport recover_state(const std::string& state_directory, std::chrono::milliseconds bound, pid_t dying = 0);

}  // namespace buildjail
