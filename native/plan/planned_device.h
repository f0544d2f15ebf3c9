#pragma once

#include <string>

#include "base/result.h"
#include "plan/plan.h"

namespace buildjail {

/** ESTALE when what is at `path` is another device by now than when it was planned. `step` is for errors. */
Status confirm_device(const std::string& path, const NamedDevice& device, const char* step);

}  // namespace buildjail
