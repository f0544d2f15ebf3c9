#include "launch/host_terminal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "base/signals.h"
#include "base/unique_fd.h"

namespace buildjail {

namespace {

/** Flags that say what the kernel is doing (termios(4)), and not how the terminal is set. */
constexpr tcflag_t kState = PENDIN | FLUSHO;

bool is_same(const termios& a, const termios& b) {
  return a.c_iflag == b.c_iflag && a.c_oflag == b.c_oflag && a.c_cflag == b.c_cflag &&
         (a.c_lflag & ~kState) == (b.c_lflag & ~kState) && std::memcmp(a.c_cc, b.c_cc, sizeof(a.c_cc)) == 0;
}

bool is_in_background(int fd) {
  // Where it does not control us there is neither foreground nor background (tcgetpgrp(3), ENOTTY).
  const pid_t foreground = ::tcgetpgrp(fd);
  return foreground >= 0 && foreground != ::getpgrp();
}

/** Another program of a pipeline may read from the same terminal: a pager does. */
bool is_in_pipeline() {
  struct stat found{};
  return ::fstat(STDOUT_FILENO, &found) == 0 && (S_ISFIFO(found.st_mode) || S_ISSOCK(found.st_mode));
}

}  // namespace

UniqueFd open_own_terminal(int number) {
  // Of the controlling terminal the name always works, also after su(1), when its file belongs to somebody else.
  if (::tcgetpgrp(number) >= 0) {
    UniqueFd own = above_stdio(UniqueFd(::open("/dev/tty", O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)));
    if (own) return own;
  }
  return UniqueFd(::fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

Result<std::shared_ptr<HostTerminal>> HostTerminal::of_stdin() {
  UniqueFd fd = open_own_terminal(STDIN_FILENO);
  if (!fd) return last_error("terminal", "fcntl", "fd 0");
  termios before{};
  if (::tcgetattr(fd.get(), &before) != 0) return last_error("terminal", "tcgetattr", "fd 0");
  const Typing typing = is_in_pipeline() ? Typing::kLines : Typing::kKeys;
  return std::make_shared<HostTerminal>(std::move(fd), before, typing);
}

termios HostTerminal::mode_before() {
  const std::lock_guard lock(mutex_);
  return before_;
}

std::optional<termios> HostTerminal::mode_now() const {
  termios now{};
  if (::tcgetattr(fd_.get(), &now) != 0) return std::nullopt;
  return now;
}

bool HostTerminal::take() {
  // To set a mode from the background would stop this process (tcsetattr(3), SIGTTOU), were it to go there just now.
  const BlockedSignals no_stop;
  const std::lock_guard lock(mutex_);
  if (is_over_ || is_in_background(fd_.get())) return false;
  const auto now = mode_now();
  // Who reads from it is told.
  if (!now) return true;
  if (typing_ == Typing::kLines) return is_same(*now, before_);
  if (ours_ && is_same(*now, *ours_)) return true;
  // Also after this process was stopped, or in the background: the mode of that time is the one to be given back.
  before_ = *now;
  termios raw = *now;
  ::cfmakeraw(&raw);
  if (::tcsetattr(fd_.get(), TCSANOW, &raw) != 0) return true;
  // As the kernel has it: what a terminal cannot do it leaves out.
  ours_ = mode_now();
  return true;
}

void HostTerminal::give_back() {
  const BlockedSignals no_stop;
  const std::lock_guard lock(mutex_);
  is_over_ = true;
  if (!ours_) return;
  const auto now = mode_now();
  // Where it is another by now, somebody else has set it: a shell, whose job this is.
  // defence: caller-terminal-mode-back
  if (now && is_same(*now, *ours_)) static_cast<void>(::tcsetattr(fd_.get(), TCSANOW, &before_));
  ours_.reset();
}

}  // namespace buildjail
