#include "launch/terminal_relay.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/result.h"
#include "base/signals.h"
#include "base/unique_fd.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "terminal";
/** No event tells that this process came to the foreground, or that the pager of its pipeline has ended. */
constexpr int kElsewhereMs = 250;
/** Nor that a terminal which nobody had open was opened by its name. */
constexpr int kSilentMs = 100;
/** More than any terminal holds: a daemon that goes on writing is not waited for. */
constexpr std::size_t kMostLeft = std::size_t{1024} * 1024;
/** As much as can be written to a terminal that has room for anything, without waiting. */
constexpr std::size_t kScreenful = 512;

enum : std::size_t { kWake, kInput, kMaster, kOutput, kPolled };

bool is_nothing_now(int err) { return err == EAGAIN || err == EINTR; }

Status stop_waiting(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return last_error(kStep, "fcntl");
  return {};
}

}  // namespace

Result<std::unique_ptr<TerminalRelay>> TerminalRelay::start(Ends ends) {
  // A terminal's flags are everybody's who has it open; pipes are our own.
  if (!ends.is_screen) {
    if (auto status = stop_waiting(ends.output.get()); !status) return std::move(status.error());
  }
  if (ends.input && !ends.keyboard) {
    if (auto status = stop_waiting(ends.input.get()); !status) return std::move(status.error());
  }
  std::array<int, 2> pair{};
  if (::pipe2(pair.data(), O_CLOEXEC | O_NONBLOCK) != 0) return last_error(kStep, "pipe2");
  std::array<UniqueFd, 2> wake{above_stdio(UniqueFd(pair[0])), above_stdio(UniqueFd(pair[1]))};
  if (!wake[0] || !wake[1]) return last_error(kStep, "fcntl");
  // Not make_unique: the constructor is private, as one without a thread is nothing to have.
  std::unique_ptr<TerminalRelay> relay(new TerminalRelay(std::move(ends), std::move(wake)));
  if (relay->ends_.keyboard) relay->is_typing_elsewhere_ = !relay->ends_.keyboard->take();
  relay->copy_size();
  auto begun = caught(kStep, [self = relay.get()] {
    self->thread_ = std::thread([self] { self->run(); });
    return Status();
  });
  if (!begun) return std::move(begun.error());
  return relay;
}

TerminalRelay::~TerminalRelay() {
  if (!thread_.joinable()) return;
  ask([](Asked& asked) { asked.is_stop = true; });
  thread_.join();
}

void TerminalRelay::finish(std::function<void()> then) {
  ask([&then](Asked& asked) {
    asked.is_finish = true;
    asked.then = std::move(then);
  });
}

bool TerminalRelay::is_done() {
  const std::lock_guard lock(mutex_);
  return is_done_;
}

void TerminalRelay::opened() {
  ask([](Asked& asked) { asked.is_open = true; });
}

void TerminalRelay::resize(const winsize& size) {
  ask([&size](Asked& asked) { asked.size = size; });
}

void TerminalRelay::look_again() {
  ask([](Asked& asked) { asked.is_look = true; });
}

void TerminalRelay::ask(const std::function<void(Asked&)>& change) {
  const std::lock_guard lock(mutex_);
  if (is_done_) return;
  change(asked_);
  // Where the pipe is full it wakes up anyway.
  const std::byte any{};
  static_cast<void>(::write(wake_[1].get(), &any, 1));
}

void TerminalRelay::run() {
  // A terminal that we may not use now says so then, and does not stop the host program (SIGTTIN); a pipe that nobody
  // reads does not end it.
  const BlockedSignals none;
  while (pass()) {
  }
  // Who is told of the end finds the terminal as it was.
  ends_ = {};
  if (is_finishing_) tell();
  const std::lock_guard lock(mutex_);
  is_done_ = true;
  // The relay itself is kept until another has ended.
  wake_ = {};
}

int TerminalRelay::milliseconds_to_wait() const {
  if (is_finishing_) return shown_.is_empty() ? 0 : -1;
  if (is_silent_) return kSilentMs;
  return is_typing_elsewhere_ && ends_.input ? kElsewhereMs : -1;
}

bool TerminalRelay::pass() {
  if (is_finishing_ && !is_drained_) read_master();
  if (is_finishing_ && is_drained_ && shown_.is_empty()) return false;
  std::array<pollfd, kPolled> polled{};
  const auto watch = [&polled](std::size_t at, int fd, bool is_read, bool is_written) {
    const int events = (is_read ? POLLIN : 0) | (is_written ? POLLOUT : 0);
    // That its other side is closed is told whether it was asked for or not (poll(2), POLLHUP).
    polled.at(at) = {.fd = events == 0 ? -1 : fd, .events = static_cast<short>(events), .revents = 0};
  };
  watch(kWake, wake_[0].get(), true, false);
  watch(kInput, ends_.input.get(), is_open_ && typed_.is_empty() && !is_typing_elsewhere_ && !is_finishing_, false);
  watch(kMaster, ends_.master.get(), shown_.is_empty() && !is_silent_ && !is_finishing_, !typed_.is_empty());
  watch(kOutput, ends_.output.get(), false, !shown_.is_empty());
  const int ready = ::poll(polled.data(), polled.size(), milliseconds_to_wait());
  if (ready < 0) return errno == EINTR;
  const auto is_ready = [&polled](std::size_t at) { return polled.at(at).fd >= 0 && polled.at(at).revents != 0; };
  if (is_ready(kWake) && !hear()) return false;
  if (is_typing_elsewhere_ && ends_.keyboard) is_typing_elsewhere_ = !ends_.keyboard->take();
  if (is_ready(kInput)) read_input();
  if (!typed_.is_empty()) write_master();
  if (is_silent_ ? shown_.is_empty() && !is_finishing_ : is_ready(kMaster)) read_master();
  if (!shown_.is_empty()) write_output();
  // Its reader hears of the end and reads then, or never.
  if (is_finishing_ && !shown_.is_empty() && !ends_.is_screen) tell();
  return true;
}

bool TerminalRelay::hear() {
  std::array<std::byte, 64> any{};
  static_cast<void>(::read(wake_[0].get(), any.data(), any.size()));
  Asked asked;
  {
    const std::lock_guard lock(mutex_);
    std::swap(asked, asked_);
  }
  if (asked.is_stop) return false;
  if (asked.is_finish) {
    is_finishing_ = true;
    left_to_drain_ = kMostLeft;
    then_ = std::move(asked.then);
    typed_.clear();
  }
  is_open_ |= asked.is_open;
  if (asked.is_look) {
    copy_size();
    if (ends_.keyboard) is_typing_elsewhere_ = !ends_.keyboard->take();
  }
  if (asked.size) static_cast<void>(::ioctl(ends_.master.get(), TIOCSWINSZ, &*asked.size));
  return true;
}

void TerminalRelay::copy_size() {
  winsize size{};
  if (!ends_.is_screen || ::ioctl(ends_.output.get(), TIOCGWINSZ, &size) != 0) return;
  static_cast<void>(::ioctl(ends_.master.get(), TIOCSWINSZ, &size));
}

void TerminalRelay::read_input() {
  // Asked each time: a mode is somebody else's from one keystroke to the next.
  if (ends_.keyboard && !ends_.keyboard->take()) {
    is_typing_elsewhere_ = true;
    return;
  }
  // Also where nobody has told of a new one yet. To the same as before nothing comes of it (ioctl_tty(2), tty(4)).
  copy_size();
  const ssize_t got = ::read(ends_.input.get(), typed_.bytes.data(), typed_.bytes.size());
  if (got > 0) {
    typed_.end = static_cast<std::size_t>(got);
    is_line_over_ = typed_.bytes.at(typed_.end - 1) == std::byte{'\n'};
    return;
  }
  if (got < 0 && is_nothing_now(errno)) return;
  // In the background by now (termios(4), "Job Access Control").
  if (got < 0 && errno == EIO && ends_.keyboard && !ends_.keyboard->take()) {
    is_typing_elsewhere_ = true;
    return;
  }
  pollfd hung_up{.fd = ends_.input.get(), .events = POLLIN, .revents = 0};
  const bool is_typed_end =
      got == 0 && ends_.keyboard && ::poll(&hung_up, 1, 0) >= 0 && (hung_up.revents & POLLHUP) == 0;
  end_input(!is_typed_end);
}

// Ends a line that is not over, and then the input, as a person would (termios(4), VEOF).
void TerminalRelay::end_input(bool is_last) {
  termios mode{};
  if (::tcgetattr(ends_.master.get(), &mode) == 0 && (mode.c_lflag & ICANON) != 0) {
    const std::byte end{mode.c_cc[VEOF]};
    typed_.end = is_line_over_ ? 1 : 2;
    typed_.bytes[0] = typed_.bytes[1] = end;
    is_line_over_ = true;
  }
  if (is_last) ends_.input.reset();
}

void TerminalRelay::write_master() {
  const ssize_t written = ::write(ends_.master.get(), typed_.bytes.data() + typed_.begin, typed_.end - typed_.begin);
  if (written < 0 && is_nothing_now(errno)) return;
  // Where nobody has the other side open, nobody will have read it.
  if (written < 0) return typed_.clear();
  typed_.begin += static_cast<std::size_t>(written);
  if (typed_.is_empty()) typed_.clear();
}

void TerminalRelay::read_master() {
  if (!shown_.is_empty()) return;
  const std::size_t most = is_finishing_ ? std::min(left_to_drain_, shown_.bytes.size()) : shown_.bytes.size();
  const ssize_t got = most == 0 ? 0 : ::read(ends_.master.get(), shown_.bytes.data(), most);
  if (got > 0) {
    is_silent_ = false;
    const auto size = static_cast<std::size_t>(got);
    if (is_finishing_) left_to_drain_ -= size;
    shown_.end = ends_.budget ? ends_.budget->spend(size) : size;
    // Nobody is there to see it; who writes it goes on.
    if (!ends_.output) shown_.clear();
    return;
  }
  if (got < 0 && errno == EINTR) return;
  // What a command wrote is there when it is dead.
  is_drained_ = is_finishing_;
  // Closed: Linux says EIO, FreeBSD that it is the end.
  is_silent_ = got == 0 || errno != EAGAIN;
}

void TerminalRelay::write_output() {
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

void TerminalRelay::tell() {
  if (auto then = std::exchange(then_, nullptr)) then();
}

}  // namespace buildjail
