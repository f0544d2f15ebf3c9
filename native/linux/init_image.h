#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

namespace buildjail {

/**
 * The program that is pid 1 of every session (init/init.c), in memory and ready to be executed by descriptor. It is a
 * part of the addon: there is no second file to find, and none that could be another by the time it is executed.
 */
Result<UniqueFd> make_init_image();

}  // namespace buildjail
