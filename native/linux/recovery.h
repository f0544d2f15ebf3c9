#pragma once

#include <string>

#include "state/recovery.h"

namespace buildjail {

/**
 * On Linux a session ends with its process, by itself: its init kills what is inside, hands the outputs back, and lets
 * go of their leases as it ends (init/init.c). What is left is the journal with the files of the leases, and the
 * outputs where init was killed too.
 */
Recovery recovery_of(const std::string& state_directory);

}  // namespace buildjail
