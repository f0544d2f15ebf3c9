#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "core/envelope.h"
#include "core/result.h"

namespace buildjail {

/** Who a process is, a zombie too. */
std::optional<Credentials> credentials_of(pid_t pid);

/** Whether any process is in a jail, zombies included. */
Result<bool> has_processes(int jid);

/** A process of the host or of any jail, zombies included. */
struct ProcessEntry {
  pid_t pid;
  std::string command;
  /** 0 where it is in no jail. */
  int jid;
  /** Who debugs it (ptrace(2)); 0 where nobody does. */
  pid_t tracer;
};

Result<std::vector<ProcessEntry>> list_processes();

}  // namespace buildjail
