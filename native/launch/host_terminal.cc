#include "launch/host_terminal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>

#include "base/signals.h"
#include "base/unique_fd.h"

namespace buildjail {

namespace {

/** Flags that say what the kernel is doing (termios(4)), and are no setting. */
constexpr tcflag_t kState = PENDIN | FLUSHO;

bool is_same(const termios& a, const termios& b) {
  return a.c_iflag == b.c_iflag && a.c_oflag == b.c_oflag && a.c_cflag == b.c_cflag &&
         (a.c_lflag & ~kState) == (b.c_lflag & ~kState) && std::memcmp(a.c_cc, b.c_cc, sizeof(a.c_cc)) == 0;
}

bool is_in_background(int fd) {
  // A terminal that does not control us has neither foreground nor background (tcgetpgrp(3), ENOTTY).
  const pid_t foreground = ::tcgetpgrp(fd);
  return foreground >= 0 && foreground != ::getpgrp();
}

/** Another program of a pipeline may read from the same terminal: a pager does. */
bool is_in_pipeline() {
  struct stat found{};
  return ::fstat(STDOUT_FILENO, &found) == 0 && (S_ISFIFO(found.st_mode) || S_ISSOCK(found.st_mode));
}

constexpr const char* kStep = "terminal";

/** Which of the standard descriptors are a terminal of ours. */
std::array<bool, 3> inherited_terminals(const LaunchRequest& request) {
  std::array<bool, 3> found{};
  for (std::size_t i = 0; i < found.size(); ++i)
    // defence: terminal-not-handed
    found.at(i) = request.stdio.at(i).kind == StdioKind::kInherit && ::isatty(static_cast<int>(i)) == 1;
  if (request.stdio[2].kind == StdioKind::kSame) found[2] = found[1];
  return found;
}

/** The mode of the terminal that a command gets in place of one of ours, whose mode is `ours`. */
termios mode_like(const termios& ours, const HostTerminal* keyboard) {
  termios mode = ours;
  const bool is_raw = keyboard != nullptr && keyboard->typing() == HostTerminal::Typing::kKeys;
  // Our terminal does this already, and it must not be done twice.
  if (!is_raw) mode.c_oflag &= ~static_cast<tcflag_t>(OPOST);
  if (!is_raw && keyboard != nullptr) mode.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL);
  return mode;
}

}  // namespace

UniqueFd open_own_terminal(int number) {
  // The name of the controlling terminal works even after su(1), when its file belongs to somebody else.
  if (::tcgetpgrp(number) >= 0) {
    UniqueFd own = above_stdio(UniqueFd(::open("/dev/tty", O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)));
    if (own) return own;
  }
  return UniqueFd(::fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

Result<std::shared_ptr<HostTerminal>> HostTerminal::of_stdin() {
  UniqueFd fd = open_own_terminal(STDIN_FILENO);
  if (!fd) return last_error(kStep, "fcntl", "fd 0");
  termios before{};
  if (::tcgetattr(fd.get(), &before) != 0) return last_error(kStep, "tcgetattr", "fd 0");
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
  // Its reader gets the error.
  if (!now) return true;
  if (typing_ == Typing::kLines) return is_same(*now, before_);
  if (ours_ && is_same(*now, *ours_)) return true;
  // After this process was stopped or in the background, the mode of that time is the one to give back.
  before_ = *now;
  termios raw = *now;
  ::cfmakeraw(&raw);
  if (::tcsetattr(fd_.get(), TCSANOW, &raw) != 0) return true;
  // As the kernel has it: it leaves out what the terminal cannot do.
  ours_ = mode_now();
  return true;
}

void HostTerminal::give_back() {
  const BlockedSignals no_stop;
  const std::lock_guard lock(mutex_);
  is_over_ = true;
  if (!ours_) return;
  const auto now = mode_now();
  // Another mode by now was set by somebody else: by the shell whose job this is.
  // defence: caller-terminal-mode-back
  if (now && is_same(*now, *ours_)) static_cast<void>(::tcsetattr(fd_.get(), TCSANOW, &before_));
  ours_.reset();
}

winsize in_characters(TerminalSize size) {
  winsize characters{};
  characters.ws_col = size.columns;
  characters.ws_row = size.rows;
  return characters;
}

Result<std::shared_ptr<HostTerminal>> HostTerminals::keyboard() {
  const std::lock_guard lock(mutex_);
  if (auto known = keyboard_.lock()) return known;
  auto made = HostTerminal::of_stdin();
  if (made) keyboard_ = *made;
  return made;
}

Result<std::optional<CommandTerminal>> HostTerminals::wanted_by(const LaunchRequest& request) {
  // defence: terminal-nobody-types-into
  CommandTerminal terminal;
  if (request.stdio[0].kind == StdioKind::kPty) {
    terminal.streams = {true, true, true};
    terminal.is_typed_into = true;
    terminal.size = in_characters(request.terminal_size);
    return std::optional(std::move(terminal));
  }
  terminal.streams = inherited_terminals(request);
  if (std::ranges::none_of(terminal.streams, std::identity())) return std::optional<CommandTerminal>();
  terminal.screen = terminal.streams[1] ? STDOUT_FILENO : terminal.streams[2] ? STDERR_FILENO : STDIN_FILENO;
  termios ours{};
  if (terminal.streams[0]) {
    auto found = keyboard();
    if (!found) return std::move(found.error());
    terminal.keyboard = std::move(*found);
    terminal.is_typed_into = true;
    ours = terminal.keyboard->mode_before();
  } else if (::tcgetattr(terminal.screen, &ours) != 0) {
    return last_error(kStep, "tcgetattr", "fd " + std::to_string(terminal.screen));
  }
  terminal.mode = mode_like(ours, terminal.keyboard.get());
  if (::ioctl(terminal.screen, TIOCGWINSZ, &terminal.size) != 0) terminal.size = {};
  return std::optional(std::move(terminal));
}

void HostTerminals::give_back() {
  std::shared_ptr<HostTerminal> known;
  {
    const std::lock_guard lock(mutex_);
    known = keyboard_.lock();
  }
  // defence: caller-terminal-mode-back-2
  if (known) known->give_back();
}

}  // namespace buildjail
