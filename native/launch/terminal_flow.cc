#include "launch/terminal_flow.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace buildjail {

namespace {

constexpr const char* kStep = "terminal";
/** No event tells that this process came to the foreground, or that the pager of its pipeline has ended. */
constexpr int kElsewhereMs = 250;
/** No event reports that a process has opened the terminal by its name after all had closed it. */
constexpr int kSilentMs = 100;
/** More than any terminal holds: a daemon that goes on writing is not waited for. */
constexpr std::size_t kMostLeft = std::size_t{1024} * 1024;
/** A terminal that has room for anything takes this much without waiting. */
constexpr std::size_t kScreenful = 512;

bool is_nothing_now(int err) { return err == EAGAIN || err == EINTR; }

Status stop_waiting(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return last_error(kStep, "fcntl");
  return {};
}

}  // namespace

// The flags of a terminal are shared with all that have it open; pipes are our own.
Result<std::unique_ptr<TerminalFlow>> TerminalFlow::make(Ends ends) {
  if (!ends.is_screen) {
    if (auto status = stop_waiting(ends.output.get()); !status) return std::move(status.error());
  }
  if (ends.input && !ends.keyboard) {
    if (auto status = stop_waiting(ends.input.get()); !status) return std::move(status.error());
  }
  // Not make_unique: the constructor is private.
  std::unique_ptr<TerminalFlow> flow(new TerminalFlow(std::move(ends)));
  flow->look_again();
  return flow;
}

void TerminalFlow::resize(const winsize& size) { static_cast<void>(::ioctl(ends_.master.get(), TIOCSWINSZ, &size)); }

void TerminalFlow::look_again() {
  copy_size();
  if (ends_.keyboard) is_typing_elsewhere_ = !ends_.keyboard->take();
}

void TerminalFlow::nothing_follows() {
  if (std::exchange(is_finishing_, true)) return;
  left_to_drain_ = kMostLeft;
  typed_.clear();
}

// The owner of the caller's terminal is told of the command's end after this, and finds the terminal as it was.
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
    // poll(2) reports POLLHUP even where nothing was asked for.
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
  // Asked each time: another program may set a mode from one keystroke to the next.
  if (ends_.keyboard && !ends_.keyboard->take()) {
    is_typing_elsewhere_ = true;
    return;
  }
  // The program may not have told us of a new size yet. Setting the same size does nothing (ioctl_tty(2), tty(4)).
  copy_size();
  const ssize_t got = ::read(ends_.input.get(), typed_.bytes.data(), typed_.bytes.size());
  if (got > 0) {
    typed_.end = static_cast<std::size_t>(got);
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
  // No process has the other side open, so none would read it.
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
