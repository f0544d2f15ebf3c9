#pragma once

#include <string>

#include "envelope/part_list.h"
#include "freebsd/host.h"
#include "freebsd/limits.h"
#include "freebsd/session_jail.h"

namespace buildjail {

/** A session with its jail. */
struct JailOpening : Opening {
  SessionJail& jail;
  FreebsdHost& host;
  const HeldLimits& limits;
  const std::string& jail_name;
};

/** A dead session, and its jail where there still is one. */
struct DeadJailSession : DeadSession {
  SessionJail& jail;
};

}  // namespace buildjail
