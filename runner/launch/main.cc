// `buildjail-launch [--socket PATH] [--stdin] [--] COMMAND [ARGUMENT...]`: runs a command in a session of
// buildjail-runner, for workers that can wrap a command. What it writes comes out here, signals go to it, and it ends
// as the command does. Without Node, as it starts once an action.
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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
#include "relay.h"
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
/** What may be on its way of stdin: a command that reads nothing must not have all of it sent. */
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

struct Asked {
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

Asked read_words(const std::vector<std::string_view>& words) {
  Asked asked;
  if (const char* socket = std::getenv(kVariable)) asked.socket = socket;
  std::size_t at = 1;
  for (; at < words.size() && words[at].starts_with('-'); ++at) {
    if (words[at] == "--") {
      ++at;
      break;
    }
    if (words[at] == "--stdin") {
      asked.has_stdin = true;
    } else if (words[at] == "--socket" && at + 1 < words.size()) {
      asked.socket = words[++at];
    } else if (words[at] == "--help") {
      static_cast<void>(std::fputs(kUsage, stdout));
      std::exit(0);
    } else {
      fail("'" + std::string(words[at]) + "' is no option\n" + kUsage);
    }
  }
  for (; at < words.size(); ++at) asked.command.push_back(words[at]);
  if (asked.command.empty()) fail(std::string("no command\n") + kUsage);
  if (asked.socket.empty()) fail(std::string("where is the runner? Say --socket or ") + kVariable);
  return asked;
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

std::string request_of(const Asked& asked) {
  std::array<char, PATH_MAX> directory{};
  if (::getcwd(directory.data(), directory.size()) == nullptr) fail(reason("getcwd"));
  MessageWriter command;
  for (const auto word : asked.command) command.bytes(kArguments, word);
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable(*entry);
    if (!variable.starts_with(std::string(kVariable) + "=")) command.bytes(kEnvironment, variable);
  }
  command.bytes(kWorkingDirectory, directory.data());
  if (asked.has_stdin) command.number(kHasStdin, 1);
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

/** Stdin, as far as the command takes it. */
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

/** From the request to the end of the command, with everything that it wrote. */
class Conversation {
 public:
  Conversation(UniqueFd socket, const Asked& asked) : call_(std::move(socket), kMethod) {
    input_.is_open = asked.has_stdin;
    call_.send(request_of(asked));
  }

  /** Nothing where the runner gave no answer. */
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
    // poll(2) leaves out descriptors below 0.
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
    // What goes on is told of when it has gone; the rest of the message is ours.
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
  const Asked asked = read_words(words);
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  const auto end = Conversation(connect_to(asked.socket), asked).run();
  if (!end)
    fail("the runner at '" + asked.socket +
         "' ended the call: it launches no commands (launcher in runner.json), or it is shutting down");
  if (!end->problem.empty()) fail(end->problem, end->exit_code);
  if (end->signal != 0) end_by(end->signal);
  return end->exit_code;
}

}  // namespace

}  // namespace buildjail::launch

int main(int argc, char** argv) {
  const int status = buildjail::launch::run({argv, argv + argc});
  // The thread that waits for signals is not waited for.
  ::_exit(status);
}
