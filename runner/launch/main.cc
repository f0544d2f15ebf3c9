// `buildjail-launch [--socket PATH] [--stdin] [--] COMMAND [ARGUMENT...]`: runs a command in a session of
// buildjail-runner, for workers that can wrap a command. It passes on the command's output and its own signals, and
// ends as the command does. It starts once for each action, so it is a small native program (call.h has the figures).
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "call.h"
#include "message.h"
#include "signals.h"

// environ(7); FreeBSD declares it nowhere.
extern char** environ;

namespace buildjail::launch {

namespace {

constexpr int kOwnFailure = 125;
constexpr const char* kMethod = "/buildjail.runner.Launcher/Launch";
constexpr const char* kVariable = "BUILDJAIL_RUNNER_SOCKET";
constexpr const char* kUsage =
    "usage: buildjail-launch [--socket PATH] [--stdin] [--] COMMAND [ARGUMENT...]\n"
    "\n"
    "Runs a command in a session of buildjail-runner. The working directory is the input root, or lies in it.\n"
    "--socket  where the runner listens; else $BUILDJAIL_RUNNER_SOCKET says so\n"
    "--stdin   passes stdin on; else the command's is empty\n";
/** Bytes of stdin that may be under way. A bound, because a command may read nothing. */
constexpr std::size_t kStdinAhead = 65536;

// protocol/launcher.proto
constexpr unsigned kCommand = 1;
constexpr unsigned kStdin = 2;
constexpr unsigned kStdinIsOver = 3;
constexpr unsigned kSignal = 4;
constexpr unsigned kArguments = 1;
constexpr unsigned kEnvironment = 2;
constexpr unsigned kWorkingDirectory = 3;
constexpr unsigned kHasStdin = 4;
constexpr unsigned kStdout = 1;
constexpr unsigned kStderr = 2;
constexpr unsigned kEnd = 3;
constexpr unsigned kStdinTaken = 4;
constexpr unsigned kExitCode = 1;
constexpr unsigned kEndSignal = 2;
constexpr unsigned kProblem = 3;

struct Options {
  std::string socket;
  bool has_stdin = false;
  std::vector<std::string_view> command;
};

struct End {
  int exit_code = 0;
  int signal = 0;
  std::string problem;
};

[[noreturn]] void fail(const std::string& problem, int status = kOwnFailure) {
  const std::string line = "buildjail-launch: " + problem + "\n";
  static_cast<void>(::write(STDERR_FILENO, line.data(), line.size()));
  ::_exit(status);
}

std::string reason(const std::string& what) { return what + ": " + std::strerror(errno); }

Options read_options(const std::vector<std::string_view>& words) {
  Options options;
  if (const char* socket = std::getenv(kVariable)) options.socket = socket;
  std::size_t at = 1;
  for (; at < words.size() && words[at].starts_with('-'); ++at) {
    if (words[at] == "--") {
      ++at;
      break;
    }
    if (words[at] == "--stdin") {
      options.has_stdin = true;
    } else if (words[at] == "--socket" && at + 1 < words.size()) {
      options.socket = words[++at];
    } else if (words[at] == "--help") {
      static_cast<void>(std::fputs(kUsage, stdout));
      std::exit(0);
    } else {
      fail("'" + std::string(words[at]) + "' is not an option\n" + kUsage);
    }
  }
  for (; at < words.size(); ++at) options.command.push_back(words[at]);
  if (options.command.empty()) fail(std::string("a command is missing\n") + kUsage);
  if (options.socket.empty()) fail(std::string("the runner's socket is missing: use --socket or ") + kVariable);
  return options;
}

UniqueFd connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) fail("'" + path + "' is too long for a socket");
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast) -- connect(2) is made so
  if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    fail(reason("the runner at '" + path + "' cannot be reached"));
  }
  return socket;
}

std::string request_of(const Options& options) {
  std::array<char, PATH_MAX> directory{};
  if (::getcwd(directory.data(), directory.size()) == nullptr) fail(reason("getcwd"));
  MessageWriter command;
  for (const auto word : options.command) command.bytes(kArguments, word);
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable(*entry);
    if (!variable.starts_with(std::string(kVariable) + "=")) command.bytes(kEnvironment, variable);
  }
  command.bytes(kWorkingDirectory, directory.data());
  if (options.has_stdin) command.number(kHasStdin, 1);
  return MessageWriter().bytes(kCommand, command.text()).text();
}

End end_of(std::string_view message) {
  End end;
  MessageReader reader(message);
  while (const auto field = reader.next()) {
    if (field->number == kExitCode) end.exit_code = static_cast<int>(field->value);
    if (field->number == kEndSignal) end.signal = static_cast<int>(field->value);
    if (field->number == kProblem) end.problem = field->bytes;
  }
  return end;
}

/**
 * Output that waits until poll(2) finds room in its descriptor. Other processes share the descriptor, so it is not made
 * non-blocking.
 */
class Relay {
 public:
  explicit Relay(int fd) : fd_(fd) {}

  [[nodiscard]] int descriptor() const { return fd_; }
  [[nodiscard]] bool is_empty() const { return waiting_.empty(); }
  void add(std::string_view bytes) { waiting_ += bytes; }

  /** @returns how many bytes no longer wait */
  std::size_t write() {
    // A write of at most PIPE_BUF bytes does not block where poll(2) found room (pipe(7)).
    const auto size = std::min<std::size_t>(waiting_.size(), PIPE_BUF);
    const auto written = ::write(fd_, waiting_.data(), size);
    if (written < 0 && (errno == EINTR || errno == EAGAIN)) return 0;
    // If the reader is gone, the output is dropped and the command goes on.
    const auto done = written < 0 ? waiting_.size() : static_cast<std::size_t>(written);
    waiting_.erase(0, done);
    return done;
  }

 private:
  int fd_;
  std::string waiting_;
};

/** Passes stdin on while the command takes it. */
struct Stdin {
  bool is_open = false;
  std::size_t on_its_way = 0;

  [[nodiscard]] bool is_wanted() const { return is_open && on_its_way < kStdinAhead; }

  void pass(Call& call) {
    std::array<char, kStdinAhead> buffer{};
    const auto got = ::read(STDIN_FILENO, buffer.data(), kStdinAhead - on_its_way);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (got > 0) {
      on_its_way += static_cast<std::size_t>(got);
      call.send(MessageWriter().bytes(kStdin, {buffer.data(), static_cast<std::size_t>(got)}).text());
      return;
    }
    is_open = false;
    call.send(MessageWriter().number(kStdinIsOver, 1).text());
  }
};

/** The call, from the request to the end of the command, with its output. */
class Conversation {
 public:
  Conversation(UniqueFd socket, const Options& options) : call_(std::move(socket), kMethod) {
    input_.is_open = options.has_stdin;
    call_.send(request_of(options));
  }

  /** Empty if the runner ended the call without an answer. */
  std::optional<End> run() {
    while (true) {
      const bool is_over = end_.has_value() || call_.state() != Call::State::kOpen;
      if (is_over && output_.is_empty() && errors_.is_empty()) return end_;
      step(is_over);
    }
  }

 private:
  void step(bool is_over) {
    const auto events = static_cast<short>(POLLIN | (call_.wants_to_write() ? POLLOUT : 0));
    // poll(2) ignores negative descriptors.
    std::array<pollfd, 5> wanted = {{
        {.fd = is_over ? -1 : call_.descriptor(), .events = events, .revents = 0},
        {.fd = signals_.descriptor(), .events = POLLIN, .revents = 0},
        {.fd = !is_over && input_.is_wanted() ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0},
        {.fd = output_.is_empty() ? -1 : output_.descriptor(), .events = POLLOUT, .revents = 0},
        {.fd = errors_.is_empty() ? -1 : errors_.descriptor(), .events = POLLOUT, .revents = 0},
    }};
    if (::poll(wanted.data(), wanted.size(), -1) < 0) {
      if (errno == EINTR) return;
      fail(reason("poll"));
    }
    if (wanted[1].revents != 0)
      call_.send(MessageWriter().number(kSignal, static_cast<unsigned>(signals_.next())).text());
    if (wanted[2].revents != 0) input_.pass(call_);
    if (wanted[3].revents != 0) call_.taken(output_.write());
    if (wanted[4].revents != 0) call_.taken(errors_.write());
    if (is_over) return;
    if ((wanted[0].revents & ~POLLOUT) != 0) {
      for (const auto& message : call_.receive()) take(message);
    }
    if (call_.wants_to_write()) call_.write();
  }

  void take(std::string_view message) {
    MessageReader reader(message);
    while (const auto field = reader.next()) {
      if (field->number == kStdout) output_.add(field->bytes);
      if (field->number == kStderr) errors_.add(field->bytes);
      if (field->number == kEnd) end_ = end_of(field->bytes);
      if (field->number == kStdinTaken) input_.on_its_way -= std::min<std::size_t>(field->value, input_.on_its_way);
    }
    // Output is acknowledged when it was written; the rest of the message is acknowledged now.
    std::size_t passed = 0;
    MessageReader again(message);
    while (const auto field = again.next()) {
      if (field->number == kStdout || field->number == kStderr) passed += field->bytes.size();
    }
    call_.taken(message.size() - passed);
  }

  Signals signals_;
  Call call_;
  Stdin input_;
  Relay output_{STDOUT_FILENO};
  Relay errors_{STDERR_FILENO};
  std::optional<End> end_;
};

int run(const std::vector<std::string_view>& words) {
  const Options options = read_options(words);
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  const auto end = Conversation(connect_to(options.socket), options).run();
  if (!end)
    fail("the runner at '" + options.socket +
         "' ended the call: it launches no commands (launcher in runner.json), or it is shutting down");
  if (!end->problem.empty()) fail(end->problem, end->exit_code);
  if (end->signal != 0) end_by(end->signal);
  return end->exit_code;
}

}  // namespace

}  // namespace buildjail::launch

int main(int argc, char** argv) {
  const int status = buildjail::launch::run({argv, argv + argc});
  // exit(3) would wait for the thread that waits for signals.
  ::_exit(status);
}
