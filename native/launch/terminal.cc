#include "launch/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <functional>
#include <string>

#include "base/signals.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "terminal";

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

/** No event tells that this process came to the foreground, or that the pager of its pipeline has ended. */
constexpr int kElsewhereMs = 250;
/** No event reports that a process has opened the terminal by its name after all had closed it. */
constexpr int kSilentMs = 100;
/** More than any terminal holds: a daemon that goes on writing is not waited for. */
constexpr std::size_t kMostLeft = std::size_t{1024} * 1024;
/** A terminal that has room for anything takes this much without waiting. */
constexpr std::size_t kScreenful = 512;

/**
 * How much was typed before the key that stops (termios(4), VSUSP), if this process is to stop. The kernel does not
 * stop a command that is alone in its terminal: its process group is orphaned (setpgid(2)). A shell has its jobs in
 * groups of their own, and a program that edits lines or draws reads keys one by one: both get the key.
 */
std::optional<std::size_t> typed_before_stop(const TerminalFlow::Ends& ends, std::span<const std::byte> typed) {
  if (!ends.keyboard || ends.keyboard->typing() != HostTerminal::Typing::kKeys) return std::nullopt;
  termios mode{};
  const int master = ends.master.get();
  if (::tcgetattr(master, &mode) != 0 || (mode.c_lflag & ISIG) == 0 || (mode.c_lflag & ICANON) == 0)
    return std::nullopt;
  const auto stop = std::ranges::find(typed, std::byte{mode.c_cc[VSUSP]});
  if (stop == typed.end() || mode.c_cc[VSUSP] == _POSIX_VDISABLE) return std::nullopt;
  if (::tcgetpgrp(master) != ::tcgetsid(master)) return std::nullopt;
  return static_cast<std::size_t>(stop - typed.begin());
}

bool is_nothing_now(int err) { return err == EAGAIN || err == EINTR; }

}  // namespace

UniqueFd open_own_terminal(int number) {
  // The name of the controlling terminal works even after su(1), when its file belongs to somebody else.
  if (::tcgetpgrp(number) >= 0) {
    UniqueFd own = above_stdio(UniqueFd(::open("/dev/tty", O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)));
    if (own) return own;
  }
  return UniqueFd(::fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
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
  // The error is reported to its reader.
  if (!now) return true;
  if (typing_ == Typing::kLines) return is_same(*now, before_);
  if (ours_ && is_same(*now, *ours_)) return true;
  // After this process was stopped or in the background, the mode of that time is the one to give back.
  before_ = *now;
  termios raw = *now;
  ::cfmakeraw(&raw);
  if (::tcsetattr(fd_.get(), TCSANOW, &raw) != 0) return true;
  // As the kernel has it, which leaves out the abilities that the terminal lacks.
  ours_ = mode_now();
  return true;
}

void HostTerminal::give_back() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  lend_back();
}

void HostTerminal::lend_back() {
  const BlockedSignals no_stop;
  const std::lock_guard lock(mutex_);
  if (!ours_) return;
  const auto now = mode_now();
  // Another program has set any other mode: the shell whose job this is.
  // defence: caller-terminal-mode-back
  if (now && is_same(*now, *ours_)) static_cast<void>(::tcsetattr(fd_.get(), TCSANOW, &before_));
  ours_.reset();
}

Result<std::shared_ptr<HostTerminal>> HostTerminals::keyboard() {
  const std::lock_guard lock(mutex_);
  if (auto known = keyboard_.lock()) return known;
  UniqueFd fd = open_own_terminal(STDIN_FILENO);
  if (!fd) return last_error(kStep, "fcntl", "fd 0");
  termios before{};
  if (::tcgetattr(fd.get(), &before) != 0) return last_error(kStep, "tcgetattr", "fd 0");
  const auto typing = is_in_pipeline() ? HostTerminal::Typing::kLines : HostTerminal::Typing::kKeys;
  auto made = std::make_shared<HostTerminal>(std::move(fd), before, typing);
  keyboard_ = made;
  return made;
}

Result<std::optional<CommandTerminal>> HostTerminals::wanted_by(const LaunchRequest& request) {
  // defence: terminal-nobody-types-into
  CommandTerminal terminal;
  if (request.stdio[0].kind == StdioKind::kPty) {
    terminal.streams = {true, true, true};
    terminal.is_typed_into = true;
    terminal.size = request.terminal_size;
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

void TerminalFlow::look_again() {
  copy_size();
  if (ends_.keyboard) is_typing_elsewhere_ = !ends_.keyboard->take();
}

void TerminalFlow::nothing_follows() {
  if (std::exchange(is_finishing_, true)) return;
  left_to_drain_ = kMostLeft;
  typed_.clear();
}

// The owner of the caller's terminal learns of the command's end after this, and finds the terminal as it was.
void TerminalFlow::end() {
  is_over_ = true;
  ends_ = {};
}

int TerminalFlow::milliseconds_to_wait() const {
  if (is_finishing_) return shown_.is_empty() ? 0 : -1;
  if (is_silent_) return kSilentMs;
  return is_typing_elsewhere_ && ends_.input ? kElsewhereMs : -1;
}

int TerminalFlow::await(std::vector<pollfd>& awaited) const {
  if (is_over_) return -1;
  const auto add = [&awaited](int fd, bool is_read, bool is_written) {
    const int events = (is_read ? POLLIN : 0) | (is_written ? POLLOUT : 0);
    // poll(2) reports POLLHUP even if no event was asked for.
    awaited.push_back({.fd = events == 0 ? -1 : fd, .events = static_cast<short>(events), .revents = 0});
  };
  add(ends_.input.get(), is_open_ && typed_.is_empty() && !is_typing_elsewhere_ && !is_finishing_, false);
  add(ends_.master.get(), shown_.is_empty() && !is_silent_ && !is_finishing_, !typed_.is_empty());
  add(ends_.output.get(), false, !shown_.is_empty());
  return milliseconds_to_wait();
}

void TerminalFlow::move(std::span<const pollfd> happened) {
  if (is_over_ || happened.size() != kPolled) return;
  const auto is_ready = [&happened](Polled at) { return happened[at].fd >= 0 && happened[at].revents != 0; };
  if (is_typing_elsewhere_ && ends_.keyboard) is_typing_elsewhere_ = !ends_.keyboard->take();
  if (is_ready(kInput)) read_input();
  if (!typed_.is_empty()) write_master();
  if (is_finishing_ ? !is_drained_ : is_silent_ ? shown_.is_empty() : is_ready(kMaster)) read_master();
  if (!shown_.is_empty()) write_output();
  is_reader_slow_ = is_finishing_ && !shown_.is_empty() && !ends_.is_screen;
  if (is_finishing_ && is_drained_ && shown_.is_empty()) end();
}

void TerminalFlow::copy_size() {
  winsize size{};
  if (!ends_.is_screen || ::ioctl(ends_.output.get(), TIOCGWINSZ, &size) != 0) return;
  static_cast<void>(::ioctl(ends_.master.get(), TIOCSWINSZ, &size));
}

void TerminalFlow::read_input() {
  // Checked each time: another program may set a mode from one keystroke to the next.
  if (ends_.keyboard && !ends_.keyboard->take()) {
    is_typing_elsewhere_ = true;
    return;
  }
  // The program may not have told us of a new size yet. Setting the same size does nothing (ioctl_tty(2), tty(4)).
  copy_size();
  const ssize_t got = ::read(ends_.input.get(), typed_.bytes.data(), typed_.bytes.size());
  if (got > 0) {
    typed_.end = static_cast<std::size_t>(got);
    if (const auto before = typed_before_stop(ends_, std::span(typed_.bytes).first(typed_.end)))
      return stop_program(*before);
    is_line_over_ = typed_.bytes.at(typed_.end - 1) == std::byte{'\n'};
    return;
  }
  if (got < 0 && is_nothing_now(errno)) return;
  // EIO: this process is in the background by now (termios(4), "Job Access Control").
  if (got < 0 && errno == EIO && ends_.keyboard && !ends_.keyboard->take()) {
    is_typing_elsewhere_ = true;
    return;
  }
  pollfd hung_up{.fd = ends_.input.get(), .events = POLLIN, .revents = 0};
  const bool is_typed_end =
      got == 0 && ends_.keyboard && ::poll(&hung_up, 1, 0) >= 0 && (hung_up.revents & POLLHUP) == 0;
  end_input(!is_typed_end);
}

// If the host program handles SIGTSTP, it can stop the command as well. By default only the host program stops.
void TerminalFlow::stop_program(std::size_t typed_before) {
  typed_.end = typed_before;
  // The shell finds the terminal as it was. The terminal is taken again when this process continues.
  ends_.keyboard->lend_back();
  is_typing_elsewhere_ = true;
  static_cast<void>(::kill(::getpid(), SIGTSTP));
}

// Ends an incomplete line, and then the input, as a person would (termios(4), VEOF).
void TerminalFlow::end_input(bool is_last) {
  termios mode{};
  if (::tcgetattr(ends_.master.get(), &mode) == 0 && (mode.c_lflag & ICANON) != 0) {
    const std::byte end{mode.c_cc[VEOF]};
    typed_.end = is_line_over_ ? 1 : 2;
    typed_.bytes[0] = typed_.bytes[1] = end;
    is_line_over_ = true;
  }
  if (is_last) ends_.input.reset();
}

void TerminalFlow::write_master() {
  const ssize_t written = ::write(ends_.master.get(), typed_.bytes.data() + typed_.begin, typed_.end - typed_.begin);
  if (written < 0 && is_nothing_now(errno)) return;
  // No process has the other side open, so it would stay unread.
  if (written < 0) return typed_.clear();
  typed_.begin += static_cast<std::size_t>(written);
  if (typed_.is_empty()) typed_.clear();
}

void TerminalFlow::read_master() {
  if (!shown_.is_empty()) return;
  const std::size_t most = is_finishing_ ? std::min(left_to_drain_, shown_.bytes.size()) : shown_.bytes.size();
  const ssize_t got = most == 0 ? 0 : ::read(ends_.master.get(), shown_.bytes.data(), most);
  if (got > 0) {
    is_silent_ = false;
    const auto size = static_cast<std::size_t>(got);
    if (is_finishing_) left_to_drain_ -= size;
    shown_.end = ends_.budget ? ends_.budget->spend(size) : size;
    if (last_) last_->add(std::span(shown_.bytes).first(shown_.end));
    // The reader is gone; the command goes on.
    if (!ends_.output) shown_.clear();
    return;
  }
  if (got < 0 && errno == EINTR) return;
  // Everything that the command wrote is there when it is dead.
  is_drained_ = is_finishing_;
  // Closed: Linux says EIO, FreeBSD that it is the end.
  is_silent_ = got == 0 || errno != EAGAIN;
}

void TerminalFlow::write_output() {
  const std::size_t size = std::min(shown_.end - shown_.begin, ends_.is_screen ? kScreenful : shown_.bytes.size());
  const ssize_t written = ::write(ends_.output.get(), shown_.bytes.data() + shown_.begin, size);
  if (written < 0 && is_nothing_now(errno)) return;
  if (written < 0) {
    shown_.clear();
    ends_.output.reset();
    return;
  }
  shown_.begin += static_cast<std::size_t>(written);
  if (shown_.is_empty()) shown_.clear();
}

}  // namespace buildjail
