#include "launch/terminal_relays.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace buildjail {

namespace {

constexpr const char* kStep = "terminal";

winsize in_characters(TerminalSize size) {
  winsize characters{};
  characters.ws_col = size.columns;
  characters.ws_row = size.rows;
  return characters;
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

/** Of the terminal that the command gets for one of ours, whose mode is `ours`. */
termios mode_like(const termios& ours, const HostTerminal* keyboard) {
  termios mode = ours;
  const bool is_raw = keyboard != nullptr && keyboard->typing() == HostTerminal::Typing::kKeys;
  // What ours does as well is not done twice.
  if (!is_raw) mode.c_oflag &= ~static_cast<tcflag_t>(OPOST);
  if (!is_raw && keyboard != nullptr) mode.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL);
  return mode;
}

}  // namespace

Result<std::shared_ptr<HostTerminal>> TerminalRelays::keyboard() {
  const std::lock_guard lock(mutex_);
  if (auto known = keyboard_.lock()) return known;
  auto made = HostTerminal::of_stdin();
  if (made) keyboard_ = *made;
  return made;
}

Result<std::optional<CommandTerminal>> TerminalRelays::wanted_by(const LaunchRequest& request) {
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

Status TerminalRelays::begin(std::uint32_t run, const CommandTerminal& terminal, UniqueFd master, StdioEnds& ends) {
  TerminalRelay::Ends relayed{.master = std::move(master),
                              .input = std::move(ends.typed),
                              .keyboard = terminal.keyboard,
                              .output = std::move(ends.shown),
                              .is_screen = terminal.screen >= 0,
                              .budget = ends.budget};
  if (relayed.keyboard) {
    relayed.input = UniqueFd(::fcntl(relayed.keyboard->fd(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!relayed.input) return last_error(kStep, "fcntl", "fd 0");
  }
  if (relayed.is_screen) {
    relayed.output = open_own_terminal(terminal.screen);
    if (!relayed.output) return last_error(kStep, "fcntl", "fd " + std::to_string(terminal.screen));
  }
  auto relay = TerminalRelay::start(std::move(relayed));
  if (!relay) return std::move(relay.error());
  const std::lock_guard lock(mutex_);
  relays_.insert_or_assign(run, std::move(*relay));
  count_ = relays_.size();
  return {};
}

void TerminalRelays::opened(std::uint32_t run) {
  const std::lock_guard lock(mutex_);
  const auto found = relays_.find(run);
  if (found != relays_.end()) found->second->opened();
}

void TerminalRelays::drop(std::uint32_t run) {
  Relay dropped;
  const std::lock_guard lock(mutex_);
  if (auto found = relays_.extract(run); !found.empty()) dropped = std::move(found.mapped());
  count_ = relays_.size();
}

void TerminalRelays::finish(std::uint32_t run, std::function<void()> then) {
  std::unique_lock lock(mutex_);
  // Those of before have ended by now, and so do not let this wait.
  std::erase_if(finishing_, [](const Relay& relay) { return relay->is_done(); });
  auto found = relays_.extract(run);
  count_ = relays_.size();
  if (found.empty()) {
    lock.unlock();
    return then();
  }
  finishing_.push_back(std::move(found.mapped()));
  finishing_.back()->finish(std::move(then));
}

bool TerminalRelays::resize(std::uint32_t run, TerminalSize size) {
  const std::lock_guard lock(mutex_);
  const auto found = relays_.find(run);
  if (found == relays_.end()) return false;
  found->second->resize(in_characters(size));
  return true;
}

void TerminalRelays::look_again() {
  const std::lock_guard lock(mutex_);
  for (const auto& [run, relay] : relays_) relay->look_again();
}

void TerminalRelays::give_back() {
  std::shared_ptr<HostTerminal> known;
  {
    const std::lock_guard lock(mutex_);
    known = keyboard_.lock();
  }
  // defence: caller-terminal-mode-back-2
  if (known) known->give_back();
}

void TerminalRelays::stop() {
  std::vector<Relay> ending;
  {
    const std::lock_guard lock(mutex_);
    ending.swap(finishing_);
    for (auto& [run, relay] : relays_) ending.push_back(std::move(relay));
    relays_.clear();
    count_ = 0;
  }
  // Without the lock: each is waited for, and may be telling of its end.
  ending.clear();
}

}  // namespace buildjail
