// buildjail-watch PID: waits for the end of a process that opens sessions, and takes away what it left if it was
// killed. Its stdin is a socket of that process's (state/watcher.cc), which says the state directories, each with a
// NUL behind it; an empty one says that nothing is left to be done. Without that the end of the socket is that of the
// process.
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>
#include <string>
#include <vector>

#include "state/recovery.h"

namespace {

/** A process that ends lets go of everything at once; another watcher may be at work on the same. */
constexpr std::chrono::milliseconds kBound{10000};

// What a terminal or a closing login sends is for the process that is watched.
void ignore_signals() {
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH})
    static_cast<void>(std::signal(signal, SIG_IGN));
}

/** All that is said until the end of the socket. */
std::string listen_to_end() {
  std::string said;
  std::array<char, 1024> part{};
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, part.data(), part.size());
    if (got > 0) said.append(part.data(), static_cast<std::size_t>(got));
    if (got == 0 || (got < 0 && errno != EINTR)) return said;
  }
}

/** The state directories; none when there is nothing to be done. */
std::vector<std::string> directories_in(const std::string& said) {
  std::vector<std::string> directories;
  std::size_t begin = 0;
  for (std::size_t end = said.find('\0'); end != std::string::npos; end = said.find('\0', begin)) {
    if (end == begin) return {};
    directories.push_back(said.substr(begin, end - begin));
    begin = end + 1;
  }
  return directories;
}

int watch(const char* number) {
  pid_t process = 0;
  const char* const end = number + std::strlen(number);
  if (std::from_chars(number, end, process).ptr != end || process <= 0) return 2;
  bool is_all = true;
  for (const std::string& directory : directories_in(listen_to_end()))
    is_all &= buildjail::recover_state(directory, kBound, process).leftovers.empty();
  return is_all ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  ignore_signals();
  try {
    return argc == 2 ? watch(argv[1]) : 2;
  } catch (...) {
    // No memory. The next recovery does it.
    return 1;
  }
}
