#include "launch/stdio_ends.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

namespace buildjail {

namespace {

constexpr const char* kStep = "stdio";
constexpr int kPipeBytes = 256 * 1024;
/** Of a pipe that a file fills: in a larger one, command and mover wait for each other more rarely. */
constexpr int kInputPipeBytes = 1024 * 1024;

void enlarge([[maybe_unused]] int pipe, [[maybe_unused]] int size) {
  // FreeBSD's grow by themselves.
#ifdef F_SETPIPE_SZ
  static_cast<void>(::fcntl(pipe, F_SETPIPE_SZ, size));
#endif
}

/**
 * A pipe is read only when poll(2) saw something in it. On Linux that may be gone by then: a command can open its own
 * end once more, and read what it wrote (proc_pid_fd(5)). On FreeBSD that would be the other direction of the pipe
 * (pipe(2)), and only we read from this one.
 */
int let_no_read_wait([[maybe_unused]] int pipe) {
#ifdef __linux__
  // Only our end: the flag belongs to the open file, and a command expects its own end to block.
  return ::fcntl(pipe, F_SETFL, O_NONBLOCK);
#else
  return 0;
#endif
}

constexpr std::array<StdioKind, 3> kCollected{StdioKind::kIgnore, StdioKind::kCapture, StdioKind::kCapture};

}  // namespace

Result<Pair> make_pair(const char* step, StdioKind kind) {
  std::array<int, 2> pair{};
  const bool is_socket = kind == StdioKind::kSocket;
  const int made =
      is_socket ? ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) : ::pipe2(pair.data(), O_CLOEXEC);
  if (made != 0) return last_error(step, is_socket ? "socketpair" : "pipe2");
  Pair ends{.reading = UniqueFd(pair[0]), .writing = UniqueFd(pair[1])};
  for (UniqueFd* const end : {&ends.reading, &ends.writing}) {
    *end = above_stdio(std::move(*end));
    if (!*end) return last_error(step, "fcntl");
  }
  return ends;
}

Status StdioEnds::make_pipes(const std::array<StdioRequest, 3>& stdio) {
  is_same = stdio[2].kind == StdioKind::kSame;
  for (std::size_t i = 0; i < child.size(); ++i) {
    const StdioKind kind = stdio.at(i).kind;
    if (child.at(i) || (kind != StdioKind::kPipe && kind != StdioKind::kCapture && kind != StdioKind::kSocket))
      continue;
    if (auto status = make_pipe(i, kind, child.at(i)); !status) return status;
    // A pipe that the event loop empties should hold the output of more than one turn. The kernel may refuse (pipe(7)).
    if (kind == StdioKind::kPipe) enlarge(ours.at(i).get(), kPipeBytes);
    if (kind == StdioKind::kCapture && let_no_read_wait(ours.at(i).get()) != 0) return last_error(kStep, "fcntl");
  }
  if (stdio[0].kind != StdioKind::kPty) return {};
  if (auto status = make_pipe(0, StdioKind::kPipe, typed); !status) return status;
  if (auto status = make_pipe(1, StdioKind::kPipe, shown); !status) return status;
  enlarge(ours[1].get(), kPipeBytes);
  // The flags of a terminal are shared with all that have it open; pipes are our own.
  for (const UniqueFd* const end : {&typed, &shown}) {
    if (::fcntl(end->get(), F_SETFL, O_NONBLOCK) != 0) return last_error(kStep, "fcntl");
  }
  return {};
}

Status StdioEnds::make_pipe(std::size_t number, StdioKind kind, UniqueFd& theirs) {
  auto pair = make_pair(kStep, kind);
  if (!pair) return std::move(pair.error());
  const bool is_input = number == 0;
  theirs = std::move(is_input ? pair->reading : pair->writing);
  ours.at(number) = std::move(is_input ? pair->writing : pair->reading);
  is_pipe.at(number) = kind != StdioKind::kSocket;
  return {};
}

Status StdioEnds::open_files(const std::array<StdioRequest, 3>& stdio) {
  for (std::size_t i = 0; i < child.size(); ++i) {
    const StdioKind kind = stdio.at(i).kind;
    // defence: command-dev-null-session
    if (child.at(i) || is_terminal.at(i) || (kind != StdioKind::kFile && kind != StdioKind::kInherit)) continue;
    auto opened = open_host_file(stdio.at(i), static_cast<int>(i));
    if (!opened) return std::move(opened.error());
    if (auto status = give(std::move(*opened), i); !status) return status;
  }
  return {};
}

Status StdioEnds::give(HostFile file, std::size_t number) {
  if (file.command_end == CommandEnd::kOwnNull) return {};
  if (file.command_end == CommandEnd::kItself) {
    child.at(number) = std::move(file.fd);
    return {};
  }
  // One pipe keeps the order in which the two were written.
  const auto is_same_file = [&file](const struct stat& other) {
    return other.st_dev == file.status.st_dev && other.st_ino == file.status.st_ino;
  };
  if (number == 2 && !files.empty() && !files.back()->is_input() && is_same_file(files.back()->file().status)) {
    is_same = true;
    files.back()->keep_last();
    return {};
  }
  if (auto status = make_pipe(number, StdioKind::kPipe, child.at(number)); !status) return status;
  enlarge(ours.at(number).get(), number == 0 ? kInputPipeBytes : kPipeBytes);
  if (::fcntl(ours.at(number).get(), F_SETFL, O_NONBLOCK) != 0) return last_error(kStep, "fcntl");
  if (number != 0) {
    files.push_back(std::make_unique<FileFlow>(std::move(file), std::move(ours.at(number)), budget));
    if (number == 2 || is_same) files.back()->keep_last();
    return {};
  }
  UniqueFd left;
  // Only a regular file is read on when the command has closed its stdin.
  if (file.is_regular()) {
    left = UniqueFd(::fcntl(child[0].get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!left) return last_error(kStep, "fcntl");
  }
  files.push_back(std::make_unique<FileFlow>(std::move(file), std::move(ours[0]), std::move(left)));
  return {};
}

Status StdioEnds::connect_terminal(const CommandTerminal& wanted, UniqueFd master) {
  constexpr const char* kTerminal = "terminal";
  TerminalFlow::Ends ends{.master = std::move(master),
                          .input = std::move(typed),
                          .keyboard = wanted.keyboard,
                          .output = std::move(shown),
                          .is_screen = wanted.screen >= 0,
                          .has_stderr = wanted.streams[2],
                          .budget = budget};
  if (ends.keyboard) {
    ends.input = UniqueFd(::fcntl(ends.keyboard->fd(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!ends.input) return last_error(kTerminal, "fcntl", "fd 0");
  }
  if (ends.is_screen) {
    ends.output = open_own_terminal(wanted.screen);
    if (!ends.output) return last_error(kTerminal, "fcntl", "fd " + std::to_string(wanted.screen));
  }
  terminal = std::make_unique<TerminalFlow>(std::move(ends));
  return {};
}

StdioEnds ReadyEnds::take(const std::array<StdioRequest, 3>& stdio) {
  if (!std::ranges::equal(stdio, kCollected, {}, &StdioRequest::kind)) return {};
  auto ends = std::exchange(ends_, std::nullopt);
  return ends ? std::move(*ends) : StdioEnds();
}

std::optional<StdioEnds> ReadyEnds::make() {
  std::array<StdioRequest, 3> stdio;
  for (std::size_t i = 0; i < stdio.size(); ++i) stdio.at(i).kind = kCollected.at(i);
  StdioEnds ends;
  if (!ends.make_pipes(stdio)) return std::nullopt;
  return ends;
}

}  // namespace buildjail
