#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/init_calls.h"

namespace buildjail {

/**
 * Opens a network namespace that is handed in, at a path of the host, for setns(2). EINVAL, without opening it, if it
 * is anything else.
 */
Result<UniqueFd> open_network(const std::string& path);

/** Brings up the loopback of the session's network, with 127.0.0.1 and ::1 (netdevice(7)). */
void bring_up_loopback(InitCalls& calls);

}  // namespace buildjail
