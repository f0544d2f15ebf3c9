#include "state/watcher.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

#include "base/back_off.h"
#include "base/text.h"
#include "launch/stdio_ends.h"
#include "launch/vfork_child.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "watcher";
constexpr std::chrono::milliseconds kBound{2000};
/** A process is made in a few hundred microseconds, a tenth of a short run: waits must not be much longer. */
constexpr std::chrono::microseconds kShort{50};

/** The input of the child, and its result. */
struct Prepared {
  std::atomic<bool>* is_there;
  std::array<int, 3> stdio;
  char* const* argv;
  const char* syscall = nullptr;
  int err = 0;
};

// It gets a session of its own (setsid(2)), so that no terminal signals it; only the socket open, as its stdin; and the
// root as its directory, so that it holds no other.
void run_child(void* context) {
  auto& prepared = *static_cast<Prepared*>(context);
  prepared.is_there->store(true);
  const auto failed = [&prepared](const char* syscall, int result) {
    if (result >= 0) return false;
    prepared.syscall = syscall;
    prepared.err = errno;
    return true;
  };
  if (failed("setsid", ::setsid())) return;
  if (failed("dup2", set_stdio(prepared.stdio))) return;
  const char* const refused = let_go_of_host_program();
  if (refused != nullptr && failed(refused, -1)) return;
  if (failed("chdir", ::chdir("/"))) return;
  char* const nothing = nullptr;
  ::execve(prepared.argv[0], prepared.argv, &nothing);
  failed("execve", -1);
}

/** The program lies beside the addon and is named after it: `buildjail-watch` for `buildjail.node`. */
Result<std::string> find_program() {
  Dl_info self{};
  // Any address in the addon (dladdr(3)).
  static const char anchor = 0;
  if (::dladdr(&anchor, &self) == 0 || self.dli_fname == nullptr) {
    errno = ENOENT;
    return last_error(kStep, "dladdr");
  }
  constexpr std::string_view kSuffix = ".node";
  std::string_view addon = self.dli_fname;
  if (addon.ends_with(kSuffix)) addon.remove_suffix(kSuffix.size());
  std::string program = std::string(addon) + "-watch";
  if (::access(program.c_str(), X_OK) == 0) return program;
  auto error = last_error(kStep, "access", program);
  error.detail =
      "this program takes away the sessions that are left if this process is killed; it is built with the addon";
  return error;
}

/** Sends a path with a NUL at its end. An empty path means that nothing is left. */
Status tell(const UniqueFd& socket, const std::string& path) {
  const ssize_t sent = ::send(socket.get(), path.c_str(), path.size() + 1, MSG_NOSIGNAL);
  if (sent == static_cast<ssize_t>(path.size() + 1)) return {};
  auto error = last_error(kStep, "send");
  error.detail = "the process that takes away the sessions that are left if this one is killed was killed itself";
  return error;
}

}  // namespace

Watcher::~Watcher() {
  try {
    end();
  } catch (...) {  // NOLINT(bugprone-empty-catch): a destructor has no caller to report it to
  }
}

Status Watcher::watch(const std::string& state_directory, const std::string& leases) {
  const std::lock_guard lock(mutex_);
  if (is_gone()) reap_and_forget();
  const std::pair directory(state_directory, leases);
  const bool is_new = directories_.insert(directory).second;
  std::set<std::pair<std::string, std::string>> untold;
  if (!ours_) {
    if (auto status = start(); !status) return status;
    untold = directories_;
  } else if (is_new) {
    untold = {directory};
  }
  for (const auto& [state, its_leases] : untold) {
    auto status = tell(ours_, state);
    if (status) status = tell(ours_, its_leases);
    if (!status) {
      reap_and_forget();
      // The error of its start says more than that of the socket.
      return started_ ? std::move(status) : std::exchange(started_, Status());
    }
  }
  return {};
}

// It never sends anything, so only the end of the socket can be read.
bool Watcher::is_gone() const {
  char nothing = 0;
  if (!ours_) return false;
  // NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection): MSG_DONTWAIT
  return ::recv(ours_.get(), &nothing, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

void Watcher::reap_and_forget() {
  if (thread_.joinable()) thread_.join();
  ours_.reset();
  BackOff back_off(kBound);
  while (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == 0 && back_off.wait()) {
  }
  pid_ = -1;
  is_there_ = false;
}

Status Watcher::start() {
  auto program = find_program();
  if (!program) return std::move(program.error());
  // Ours too is above 2, because a command may inherit the descriptors 0 to 2.
  auto sockets = make_pair(kStep, StdioKind::kSocket);
  if (!sockets) return std::move(sockets.error());
  UniqueFd null = above_stdio(UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC)));
  if (!null) return last_error(kStep, "open", "/dev/null");
  started_ = {};
  thread_ = std::thread([this, program = std::move(*program), theirs = std::move(sockets->writing),
                         null = std::move(null)]() mutable { run(program, std::move(theirs), std::move(null)); });
  // Waits until the process exists. Its program is loaded while the session is being opened.
  BackOff back_off(kBound, kShort);
  while (!is_there_ && back_off.wait()) {
  }
  ours_ = std::move(sockets->reading);
  return {};
}

void Watcher::run(const std::string& program, UniqueFd theirs, UniqueFd null) {
  std::vector<std::string> words{program, std::to_string(::getpid())};
  const CStrings argv(words);
  Prepared prepared{.is_there = &is_there_, .stdio = {theirs.get(), null.get(), null.get()}, .argv = argv.data()};
  const pid_t child = vfork_child(run_child, &prepared);
  if (child < 0) started_ = last_error(kStep, "vfork");
  if (child >= 0 && prepared.syscall != nullptr) {
    started_ = SysError{.step = kStep, .syscall = prepared.syscall, .err = prepared.err, .path = program};
    reap(child);
  }
  if (started_) pid_ = child;
  is_there_ = true;
}

Status Watcher::confirm() {
  const std::lock_guard lock(mutex_);
  if (thread_.joinable()) thread_.join();
  if (started_) return {};
  // The next session tries again.
  reap_and_forget();
  return std::exchange(started_, Status());
}

void Watcher::end() {
  const std::lock_guard lock(mutex_);
  if (ours_) static_cast<void>(tell(ours_, {}));
  reap_and_forget();
}

}  // namespace buildjail
