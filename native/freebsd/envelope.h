#pragma once

#include <memory>

#include "base/copying.h"
#include "envelope/envelope.h"
#include "freebsd/opening.h"
#include "launch/waiter.h"
#include "plan/plan.h"
#include "state/lease.h"

namespace buildjail {

/** Opens a jail and its mounts. */
Result<std::unique_ptr<Envelope>> open_jail_envelope(SharedPlan plan, Lessee lessee, std::shared_ptr<Waiter> waiter,
                                                     std::shared_ptr<FreebsdHost> host, Trace trace,
                                                     const Copying& copying);

}  // namespace buildjail
