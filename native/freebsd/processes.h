#pragma once

#include <sys/types.h>

#include <optional>

#include "core/envelope.h"
#include "core/result.h"

namespace buildjail {

/** Who a process is, a zombie too. */
std::optional<Credentials> credentials_of(pid_t pid);

/** Whether any process is in a jail, zombies included. */
Result<bool> has_processes(int jid);

}  // namespace buildjail
