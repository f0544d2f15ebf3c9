#include "launch/exec_child.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace buildjail {

int set_stdio(const std::array<int, 3>& stdio) {
  for (int target = 0; target < static_cast<int>(stdio.size()); ++target) {
    const int given = stdio[static_cast<std::size_t>(target)];
    // The host program may have closed it itself.
    if (given < 0) ::close(target);
    if (given >= 0 && ::dup2(given, target) < 0) return -1;
  }
  return 0;
}

int open_own_null(const std::array<int, 3>& stdio) {
  for (int target = 0; target < static_cast<int>(stdio.size()); ++target) {
    if (stdio[static_cast<std::size_t>(target)] >= 0) continue;
    // The lowest number that is free (open(2)), which is this one: those above may be, those below are not.
    if (::open("/dev/null", target == 0 ? O_RDONLY : O_WRONLY) < 0) return -1;
  }
  return 0;
}

int execute_first(char* const* candidates, char* const* argv, char* const* environment) {
  int found = ENOENT;
  for (char* const* candidate = candidates; *candidate != nullptr; ++candidate) {
    // Asked first where it need not be this one: not to find a program costs execve(2) more than to look for it.
    if (candidate[1] != nullptr && ::access(*candidate, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)) continue;
    ::execve(*candidate, argv, environment);
    if (errno == EACCES) {
      found = EACCES;
    } else if (errno != ENOENT && errno != ENOTDIR) {
      return -1;
    }
  }
  errno = found;
  return -1;
}

}  // namespace buildjail
