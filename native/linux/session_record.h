#pragma once

#include <vector>

#include "base/result.h"
#include "envelope/record.h"
#include "linux/namespaces.h"

namespace buildjail {

/** A session as the kernel shows it: its mounts, namespaces and ids. `are_hosts`: its ids are those of the host. */
Result<Record> read_record(const Namespaces& inside, bool are_hosts);

/** Credentials in the numbering of the inside; an id that is not mapped is the overflow id, as the kernel shows it. */
Credentials as_inside(Credentials who, const std::vector<IdExtent>& uids, const std::vector<IdExtent>& gids);

}  // namespace buildjail
