#pragma once

#include <string>

#include "base/result.h"

namespace buildjail {

/**
 * Makes a network interface of a kind that can be cloned (ifconfig(8), create): of a name such as `epair` the next free
 * one, of `epair7` that one, or EEXIST.
 * @return its name; of an epair(4) that of its first end
 */
Result<std::string> create_interface(const std::string& name);
/** ENXIO where there is none. Of an epair(4) both ends go. */
Status destroy_interface(const std::string& name);

}  // namespace buildjail
