#pragma once

#include "base/result.h"

namespace buildjail {

/** Removes all that lies in a folder that no other user can enter. */
Status remove_all_in(int folder, const char* step);

}  // namespace buildjail
