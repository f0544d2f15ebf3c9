#pragma once

namespace buildjail {

/**
 * Brings up the loopback of the network that the calling thread is in, with 127.0.0.1 and ::1, for a child that shares
 * our memory. Takes CAP_NET_ADMIN over it (netdevice(7)). Null, or the call that failed.
 */
const char* bring_up_loopback();

}  // namespace buildjail
