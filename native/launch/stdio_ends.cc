#include "launch/stdio_ends.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/above_stdio.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "stdio";
constexpr mode_t kLogMode = 0644;
constexpr int kPipeBytes = 256 * 1024;

Result<UniqueFd> checked(UniqueFd owned, const char* syscall, const std::string& path) {
  if (!owned) return last_error(kStep, syscall, path);
  struct stat found{};
  if (::fstat(owned.get(), &found) != 0) return last_error(kStep, "fstat", path);
  // jail_attach(2) refuses a process with an open directory, and a directory of the host has no place inside anyway.
  if (S_ISDIR(found.st_mode)) {
    return SysError{.step = kStep, .syscall = syscall, .err = EISDIR, .path = path, .dest = {}, .detail = {}};
  }
  return owned;
}

Result<UniqueFd> open_one(const StdioRequest& request, int number) {
  if (request.kind == StdioKind::kInherit)
    return checked(UniqueFd(::fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)), "fcntl",
                   "fd " + std::to_string(number));
  if (request.kind == StdioKind::kIgnore) {
    UniqueFd null = above_stdio(UniqueFd(::open("/dev/null", (number == 0 ? O_RDONLY : O_WRONLY) | O_CLOEXEC)));
    return null ? Result<UniqueFd>(std::move(null)) : last_error(kStep, "open", "/dev/null");
  }
  const std::string& path = request.path;
  // Not through a link at its end, which a build may have put there where it can write, and we are root.
  const int flags = number == 0 ? O_RDONLY : O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW;
  // O_NONBLOCK for the opening only: a fifo that nobody has opened at the other end must not hold up the session.
  auto opened = checked(
      above_stdio(UniqueFd(::open(path.c_str(), flags | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, kLogMode))), "open", path);
  if (opened && ::fcntl(opened->get(), F_SETFL, flags & O_APPEND) != 0) return last_error(kStep, "fcntl", path);
  return opened;
}

/** The end to be read, then the end to be written to. */
int make_pair(StdioKind kind, std::array<int, 2>& pair) {
  if (kind == StdioKind::kSocket) return ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data());
  return ::pipe2(pair.data(), O_CLOEXEC);
}

void enlarge([[maybe_unused]] int pipe) {
  // FreeBSD's grow by themselves.
#ifdef F_SETPIPE_SZ
  static_cast<void>(::fcntl(pipe, F_SETPIPE_SZ, kPipeBytes));
#endif
}

}  // namespace

Status StdioEnds::make_pipes(const std::array<StdioRequest, 3>& stdio) {
  for (std::size_t i = 0; i < child.size(); ++i) {
    if (child.at(i)) continue;
    const StdioKind kind = stdio.at(i).kind;
    if (kind != StdioKind::kPipe && kind != StdioKind::kCapture && kind != StdioKind::kSocket) continue;
    std::array<int, 2> pair{};
    if (make_pair(kind, pair) != 0) return last_error(kStep, kind == StdioKind::kSocket ? "socketpair" : "pipe2");
    const bool is_input = i == 0;
    UniqueFd reading(pair[0]);
    UniqueFd writing(pair[1]);
    child.at(i) = above_stdio(std::move(is_input ? reading : writing));
    ours.at(i) = above_stdio(std::move(is_input ? writing : reading));
    if (!child.at(i) || !ours.at(i)) return last_error(kStep, "fcntl");
    // What an event loop empties holds more than one turn of it has; or not, where the user's pipes hold much
    // (pipe(7)).
    if (kind == StdioKind::kPipe) enlarge(ours.at(i).get());
    // Only our end: the flag belongs to the open file, and a command expects its own end to block.
    if (kind == StdioKind::kCapture && ::fcntl(ours.at(i).get(), F_SETFL, O_NONBLOCK) != 0)
      return last_error(kStep, "fcntl");
  }
  return {};
}

Status StdioEnds::open_files(const std::array<StdioRequest, 3>& stdio) {
  for (std::size_t i = 0; i < child.size(); ++i) {
    if (child.at(i) || stdio.at(i).kind == StdioKind::kSame) continue;
    auto opened = open_one(stdio.at(i), static_cast<int>(i));
    if (!opened) return std::move(opened.error());
    child.at(i) = std::move(*opened);
  }
  return {};
}

}  // namespace buildjail
