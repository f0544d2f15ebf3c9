// buildjail-watch PID: waits for the end of a process that opens sessions, and takes away the sessions that it left if
// it was killed. Its stdin is a socket of that process (state/watcher.cc), which sends the paths of state directories,
// each followed by that of its leases, with a NUL at the end of each path. An empty path says that nothing is left.
// Without one, the end of the socket means that the process was killed.
//
// A terminal, the end of a login and a manager of services signal all processes that they know of. None of that ends
// this one: the process that it watches has started it with all signals blocked (state/watcher.cc).
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/text.h"
#include "state/recovery.h"

namespace {

constexpr std::chrono::seconds kPause{1};

/** Reads all bytes until the end of the socket. */
std::string read_to_end() {
  std::string said;
  std::array<char, 1024> part{};
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, part.data(), part.size());
    if (got > 0) said.append(part.data(), static_cast<std::size_t>(got));
    if (got == 0 || (got < 0 && errno != EINTR)) return said;
  }
}

/** The state directories, each with its leases. Empty if nothing is left. */
std::vector<std::pair<std::string, std::string>> directories_in(std::string_view said) {
  std::vector<std::pair<std::string, std::string>> directories;
  while (said.find('\0') != std::string_view::npos) {
    std::string state(buildjail::cut(said, '\0'));
    if (state.empty()) return {};
    // The process was killed before it made anything there.
    if (said.find('\0') == std::string_view::npos) break;
    directories.emplace_back(std::move(state), buildjail::cut(said, '\0'));
  }
  return directories;
}

int watch(const char* number) {
  pid_t process = 0;
  if (!buildjail::read_number(number, process) || process <= 0) return 2;
  bool is_all = true;
  auto directories = directories_in(read_to_end());
  for (;;) {
    std::erase_if(directories, [&](const auto& one) {
      const auto report = buildjail::recover_state(one.first, one.second, process);
      // A system call that no signal ends lasts as long as a build wants. No other recovery may come afterwards.
      // defence: watcher-waits-for-processes
      if (report.is_unended) return false;
      is_all &= report.leftovers.empty();
      return true;
    });
    if (directories.empty()) return is_all ? 0 : 1;
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return argc == 2 ? watch(argv[1]) : 2;
  } catch (...) {
    // No memory. The next recovery takes them away.
    return 1;
  }
}
