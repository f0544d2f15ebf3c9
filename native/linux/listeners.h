#pragma once

#include <cstddef>

#include "linux/init_calls.h"
#include "network/allowed_names.h"
#include "network/session_network.h"

namespace buildjail {

/** Above the slots of descriptors that are passed and of other calls. */
inline constexpr Slot kFirstSocketSlot{16};

/**
 * Has init make the sockets of a network of names before the root is sealed: bound ones that listen, and unbound ones.
 * This process gets them, and init keeps none. The loopback must be up.
 */
void make_listeners(const AllowedNames& names, InitCalls& calls);

/** The number of these sockets. */
std::size_t count_listeners(const AllowedNames& names);

/** The sockets that make_listeners asked for, in their order. */
SessionSockets session_sockets(const AllowedNames& names, std::vector<UniqueFd> made);

}  // namespace buildjail
