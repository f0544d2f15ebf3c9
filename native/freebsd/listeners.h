#pragma once

#include "base/result.h"
#include "freebsd/jails.h"
#include "network/allowed_names.h"
#include "network/session_network.h"

namespace buildjail {

/** A kernel may be built without IPv6. */
NamesInIpv6 names_in_ipv6();

/**
 * Makes the sockets of a network of names in a jail's own network stack, before any command runs: bound ones that
 * listen, and unbound ones. Only this process has them. Each address that they have, or get, is added to lo0, which is
 * up. EMFILE: there are not so many descriptors.
 */
Result<SessionSockets> make_listeners(const AllowedNames& names, const JailReference& jail);

}  // namespace buildjail
