#pragma once

#include "base/result.h"
#include "plan/plan.h"

namespace buildjail {

/** ESTALE when a device of the host that the plan names is another one by now, ENOENT when it is gone. */
Status confirm_named_devices(const EnvelopePlan& plan);

}  // namespace buildjail
