#pragma once

#include <sys/param.h>
#include <sys/user.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace buildjail {

/** Who a process is. */
Credentials credentials_in(const kinfo_proc& process);

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

/** A process whose effective or real user is this, in any jail or in none; nothing where there is none. */
Result<std::optional<ProcessEntry>> process_of_user(uid_t uid);

/** Of the processes of a jail, those that are meant. */
struct Chosen {
  /** That they have (setloginclass(2)); empty: any. */
  std::string login_class;
  /** Not this one; 0: all. */
  pid_t except = 0;
};

/**
 * Signals processes of a jail from outside, where none of them can do anything to the sender. One by one, so that what
 * they start meanwhile is not among them.
 * @return how many there were, without zombies.
 */
Result<std::size_t> signal_each_in(int jid, const Chosen& chosen, int signal);

}  // namespace buildjail
