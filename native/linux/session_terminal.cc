#include "linux/session_terminal.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/unique_fd.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "terminal";
constexpr const char* kMultiplexer = "/dev/pts/ptmx";

/** Through init's root, where only we mount anything, and /dev is read-only. */
Result<UniqueFd> open_master(const std::string& root) {
  const std::string path = root + kMultiplexer;
  UniqueFd master =
      above_stdio(UniqueFd(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC)));
  if (!master) return last_error(kStep, "open", kMultiplexer);
  struct statfs found{};
  if (::fstatfs(master.get(), &found) != 0) return last_error(kStep, "fstatfs", kMultiplexer);
  if (found.f_type == DEVPTS_SUPER_MAGIC) return master;
  return SysError{.step = kStep,
                  .syscall = "fstatfs",
                  .err = ENODEV,
                  .path = kMultiplexer,
                  .detail = "it is not in a file system of terminals (devpts)"};
}

}  // namespace

Result<UniqueFd> open_terminal(const std::string& root, const CommandTerminal& terminal, StdioEnds& ends) {
  auto master = open_master(root);
  if (!master) return std::move(master.error());
  int unlocked = 0;
  if (::ioctl(master->get(), TIOCSPTLCK, &unlocked) != 0) return last_error(kStep, "ioctl", kMultiplexer);
  // Without its name, which could lead to another file system (ioctl_tty(2), TIOCGPTPEER).
  const int access = terminal.is_typed_into ? O_RDWR : O_WRONLY;
  const UniqueFd slave = above_stdio(UniqueFd(::ioctl(master->get(), TIOCGPTPEER, access | O_NOCTTY | O_CLOEXEC)));
  if (!slave) return last_error(kStep, "ioctl", kMultiplexer);
  if (terminal.mode && ::tcsetattr(slave.get(), TCSANOW, &*terminal.mode) != 0)
    return last_error(kStep, "tcsetattr", "/dev/pts");
  if (::ioctl(slave.get(), TIOCSWINSZ, &terminal.size) != 0) return last_error(kStep, "ioctl", "/dev/pts");
  ends.is_terminal = terminal.streams;
  for (std::size_t i = 0; i < ends.child.size(); ++i) {
    if (!terminal.streams.at(i)) continue;
    ends.child.at(i) = UniqueFd(::fcntl(slave.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!ends.child.at(i)) return last_error(kStep, "fcntl", "/dev/pts");
  }
  return master;
}

}  // namespace buildjail
