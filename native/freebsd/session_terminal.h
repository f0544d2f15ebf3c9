#pragma once

#include <array>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "launch/host_terminal.h"

namespace buildjail {

/** A terminal of the host's (pts(4)), made for a command. */
struct OpenedTerminal {
  UniqueFd master;
  /** Of the other side, which only the command's process opens: see `give_terminal`. */
  std::string path;
};

Result<OpenedTerminal> open_terminal(const CommandTerminal& terminal);

/** A command's terminal, as its process gets it. */
struct GivenTerminal {
  /** Null: it has none. */
  const char* path;
  const CommandTerminal* terminal;
};

/**
 * In the child, which leads a session by now and is not in the jail yet: opens the terminal, makes it the controlling
 * one where somebody types into it, and puts it among `stdio`. Nobody else may have it open: the kernel then waits at
 * the end of a command until everything was read that the command wrote, and else throws that away (revoke(2)). In the
 * jail, others of the host's terminals are not seen, but this one is (devfs(5)).
 */
int give_terminal(const GivenTerminal& given, std::array<int, 3>& stdio);

}  // namespace buildjail
