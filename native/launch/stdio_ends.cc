#include "launch/stdio_ends.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "base/unique_fd.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "stdio";
constexpr int kPipeBytes = 256 * 1024;
/** Of what a file fills: the larger it is, the more rarely do command and relay wait for each other. */
constexpr int kInputPipeBytes = 1024 * 1024;

/** The end to be read, then the end to be written to. */
int make_pair(StdioKind kind, std::array<int, 2>& pair) {
  if (kind == StdioKind::kSocket) return ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data());
  return ::pipe2(pair.data(), O_CLOEXEC);
}

void enlarge([[maybe_unused]] int pipe, [[maybe_unused]] int size) {
  // FreeBSD's grow by themselves.
#ifdef F_SETPIPE_SZ
  static_cast<void>(::fcntl(pipe, F_SETPIPE_SZ, size));
#endif
}

/**
 * A pipe is read only when something was seen to be there. On Linux that may be gone by then: a command can open its
 * own end once more, and read what it wrote (proc_pid_fd(5)). On FreeBSD that gives it the other direction of the pipe
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

}  // namespace

Status StdioEnds::make_pipes(const std::array<StdioRequest, 3>& stdio) {
  is_same = stdio[2].kind == StdioKind::kSame;
  for (std::size_t i = 0; i < child.size(); ++i) {
    const StdioKind kind = stdio.at(i).kind;
    if (child.at(i) || (kind != StdioKind::kPipe && kind != StdioKind::kCapture && kind != StdioKind::kSocket))
      continue;
    if (auto status = make_pipe(i, kind); !status) return status;
    // What an event loop empties holds more than one turn of it has; or not, where the user's pipes hold much
    // (pipe(7)).
    if (kind == StdioKind::kPipe) enlarge(ours.at(i).get(), kPipeBytes);
    if (kind == StdioKind::kCapture && let_no_read_wait(ours.at(i).get()) != 0) return last_error(kStep, "fcntl");
  }
  return stdio[0].kind == StdioKind::kPty ? make_terminal_pipes() : Status();
}

Status StdioEnds::make_terminal_pipes() {
  for (const bool is_input : {true, false}) {
    std::array<int, 2> pair{};
    if (::pipe2(pair.data(), O_CLOEXEC) != 0) return last_error(kStep, "pipe2");
    UniqueFd reading = above_stdio(UniqueFd(pair[0]));
    UniqueFd writing = above_stdio(UniqueFd(pair[1]));
    if (!reading || !writing) return last_error(kStep, "fcntl");
    if (!is_input) enlarge(reading.get(), kPipeBytes);
    (is_input ? typed : shown) = std::move(is_input ? reading : writing);
    ours.at(is_input ? 0 : 1) = std::move(is_input ? writing : reading);
  }
  return {};
}

Status StdioEnds::make_pipe(std::size_t number, StdioKind kind) {
  std::array<int, 2> pair{};
  if (make_pair(kind, pair) != 0) return last_error(kStep, kind == StdioKind::kSocket ? "socketpair" : "pipe2");
  const bool is_input = number == 0;
  UniqueFd reading(pair[0]);
  UniqueFd writing(pair[1]);
  child.at(number) = above_stdio(std::move(is_input ? reading : writing));
  ours.at(number) = above_stdio(std::move(is_input ? writing : reading));
  if (!child.at(number) || !ours.at(number)) return last_error(kStep, "fcntl");
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
  if (file.given == Given::kOwnNull) return {};
  if (file.given == Given::kItself) {
    child.at(number) = std::move(file.fd);
    return {};
  }
  // One pipe keeps the order in which the two were written.
  if (number == 2 && !flows.empty() && !flows.back().is_input() && flows.back().file().is_same_file(file)) {
    is_same = true;
    return {};
  }
  if (auto status = make_pipe(number, StdioKind::kPipe); !status) return status;
  enlarge(ours.at(number).get(), number == 0 ? kInputPipeBytes : kPipeBytes);
  if (::fcntl(ours.at(number).get(), F_SETFL, O_NONBLOCK) != 0) return last_error(kStep, "fcntl");
  if (number != 0) {
    flows.push_back(Flow::from_command(std::move(file), std::move(ours.at(number))));
    return {};
  }
  UniqueFd left;
  // All else is read no further once a command has closed its stdin.
  if (S_ISREG(file.mode)) {
    left = UniqueFd(::fcntl(child[0].get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!left) return last_error(kStep, "fcntl");
  }
  flows.push_back(Flow::into_command(std::move(file), std::move(ours[0]), std::move(left)));
  return {};
}

}  // namespace buildjail
