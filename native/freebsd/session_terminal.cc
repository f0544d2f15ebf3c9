#include "freebsd/session_terminal.h"

#include <sys/ioctl.h>

#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <cstddef>

#include "base/unique_fd.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "terminal";

}  // namespace

Result<OpenedTerminal> open_terminal(const CommandTerminal& terminal) {
  UniqueFd master = above_stdio(UniqueFd(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)));
  if (!master) return last_error(kStep, "posix_openpt");
  if (::fcntl(master.get(), F_SETFL, O_NONBLOCK) != 0) return last_error(kStep, "fcntl");
  unsigned number = 0;
  if (::ioctl(master.get(), TIOCGPTN, &number) != 0) return last_error(kStep, "ioctl");
  if (::ioctl(master.get(), TIOCSWINSZ, &terminal.size) != 0) return last_error(kStep, "ioctl");
  return OpenedTerminal{.master = std::move(master), .path = "/dev/pts/" + std::to_string(number)};
}

// Shares our memory: see freebsd/child.h.
int give_terminal(const GivenTerminal& given, std::array<int, 3>& stdio) {
  if (given.path == nullptr) return 0;
  const CommandTerminal& terminal = *given.terminal;
  int fd = ::open(given.path, (terminal.is_typed_into ? O_RDWR : O_WRONLY) | O_NOCTTY | O_CLOEXEC);
  // Where none of ours is open at 0, 1 or 2, others would be put in its place.
  if (fd >= 0 && fd <= STDERR_FILENO) fd = ::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (fd < 0) return -1;
  // Not before it is open: that sets all of it anew (tty(4)).
  if (terminal.mode && ::ioctl(fd, TIOCSETA, &*terminal.mode) != 0) return -1;
  if (terminal.is_typed_into && ::ioctl(fd, TIOCSCTTY, nullptr) != 0) return -1;
  for (std::size_t i = 0; i < stdio.size(); ++i) {
    if (terminal.streams[i]) stdio[i] = fd;
  }
  return 0;
}

}  // namespace buildjail
