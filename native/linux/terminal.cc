#include "linux/terminal.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace buildjail {

namespace {

constexpr const char* kTerminalStep = "terminal";
constexpr const char* kMultiplexer = "/dev/pts/ptmx";

}  // namespace

Result<UniqueFd> open_terminal(const std::string& root, const CommandTerminal& terminal, StdioEnds& ends) {
  // By way of init's root, in which only this package mounts, and where /dev is read-only.
  const std::string path = root + kMultiplexer;
  UniqueFd master =
      above_stdio(UniqueFd(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC)));
  if (!master) return last_error(kTerminalStep, "open", kMultiplexer);
  struct statfs found{};
  if (::fstatfs(master.get(), &found) != 0) return last_error(kTerminalStep, "fstatfs", kMultiplexer);
  if (found.f_type != DEVPTS_SUPER_MAGIC)
    return SysError{.step = kTerminalStep,
                    .syscall = "fstatfs",
                    .err = ENODEV,
                    .path = kMultiplexer,
                    .detail = "it is not in a file system of terminals (devpts)"};
  int unlocked = 0;
  if (::ioctl(master.get(), TIOCSPTLCK, &unlocked) != 0) return last_error(kTerminalStep, "ioctl", kMultiplexer);
  // Without its name, which could lead to another file system (ioctl_tty(2), TIOCGPTPEER).
  const int access = terminal.is_typed_into ? O_RDWR : O_WRONLY;
  const UniqueFd slave = above_stdio(UniqueFd(::ioctl(master.get(), TIOCGPTPEER, access | O_NOCTTY | O_CLOEXEC)));
  if (!slave) return last_error(kTerminalStep, "ioctl", kMultiplexer);
  if (terminal.mode && ::tcsetattr(slave.get(), TCSANOW, &*terminal.mode) != 0)
    return last_error(kTerminalStep, "tcsetattr", "/dev/pts");
  if (::ioctl(slave.get(), TIOCSWINSZ, &terminal.size) != 0) return last_error(kTerminalStep, "ioctl", "/dev/pts");
  ends.is_terminal = terminal.streams;
  for (std::size_t i = 0; i < ends.child.size(); ++i) {
    if (!terminal.streams.at(i)) continue;
    ends.child.at(i) = UniqueFd(::fcntl(slave.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!ends.child.at(i)) return last_error(kTerminalStep, "fcntl", "/dev/pts");
  }
  return master;
}

}  // namespace buildjail
