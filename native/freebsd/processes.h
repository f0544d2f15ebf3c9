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

/** The credentials of a process. */
Credentials credentials_in(const kinfo_proc& process);

/** Whether a process, or a zombie, is in a jail. */
Result<bool> has_processes(int jid);

/** A process of the host or of any jail, or a zombie. */
struct ProcessEntry {
  pid_t pid;
  std::string command;
  /** 0: the host. */
  int jid;
  /** The process that traces it (ptrace(2)), or 0. */
  pid_t tracer;
};

Result<std::vector<ProcessEntry>> list_processes();

/** A process of the host or of any jail whose effective or real user is `uid`; empty if there is none. */
Result<std::optional<ProcessEntry>> process_of_user(uid_t uid);

/** Chooses among the processes of a jail. */
struct Chosen {
  /** Their login class (setloginclass(2)); empty: any. */
  std::string login_class;
  /** A process to leave out, or 0. */
  pid_t except = 0;
};

/**
 * Signals processes of a jail from outside, where none of them can harm the sender. It signals one by one, so it misses
 * processes that are started meanwhile.
 * @return how many there were, without zombies
 */
Result<std::size_t> signal_each_in(int jid, const Chosen& chosen, int signal);

}  // namespace buildjail
