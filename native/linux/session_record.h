#pragma once

#include <functional>
#include <vector>

#include "base/result.h"
#include "envelope/record.h"
#include "launch/launch_request.h"
#include "launch/waiter.h"
#include "linux/namespaces.h"

namespace buildjail {

/** A session as the kernel shows it: its mounts, namespaces and ids. `are_hosts`: its ids are those of the host. */
Result<Record> read_record(const Namespaces& inside, bool are_hosts);

/**
 * The credentials that the kernel gives to a command that is set up like any other. `launch` has it wait instead of
 * executing; this ends it. One at a time.
 */
Result<Credentials> look_at_command(
    Waiter& waiter, const Namespaces& inside,
    const std::function<Status(const LaunchRequest& request, CommandListener listener)>& launch);

/** Credentials in the numbering of the inside; an id that is not mapped is the overflow id, as the kernel shows it. */
Credentials as_inside(Credentials who, const std::vector<IdExtent>& uids, const std::vector<IdExtent>& gids);

}  // namespace buildjail
