#pragma once

#include <memory>
#include <vector>

#include "envelope/envelope.h"
#include "freebsd/opening.h"
#include "launch/waiter.h"
#include "plan/plan.h"
#include "state/lease.h"

namespace buildjail {

/**
 * ENOTSUP if the steps have an overlay. unionfs(4) of 15.1 would be the way. In it a folder that is removed and made
 * again has its old content. It shows everything with one owner and one mode, so that no script of a source can be
 * executed, or it shows the owners of the source, and none of them is the build.
 */
Status refuse_overlays(const std::vector<Step>& steps);

/** Opens a jail and its mounts. */
Result<std::unique_ptr<Envelope>> open_jail_envelope(SharedPlan plan, Lessee lessee, std::shared_ptr<Waiter> waiter,
                                                     std::shared_ptr<FreebsdHost> host, Trace trace);

}  // namespace buildjail
