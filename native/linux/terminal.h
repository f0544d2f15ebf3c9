#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "launch/stdio_ends.h"
#include "launch/terminal.h"

namespace buildjail {

/**
 * Opens a terminal of a session's own /dev/pts, so that it has a name there. `root` is the path of the session's root.
 * Returns the master, and puts the other side into `ends` for the command.
 */
Result<UniqueFd> open_terminal(const std::string& root, const CommandTerminal& terminal, StdioEnds& ends);

}  // namespace buildjail
