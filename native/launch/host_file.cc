#include "launch/host_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "base/unique_fd.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "stdio";
constexpr mode_t kLogMode = 0644;

SysError refused(const char* syscall, int err, const std::string& path) {
  return {.step = kStep, .syscall = syscall, .err = err, .path = path, .dest = {}, .detail = {}};
}

bool is_null(const struct stat& found) {
  struct stat null{};
  return S_ISCHR(found.st_mode) && ::stat("/dev/null", &null) == 0 && found.st_rdev == null.st_rdev;
}

Given given_for(const struct stat& found, const HostFile& file) {
  // defence: host-program-dev-null
  if (is_null(found)) return Given::kOwnNull;
  // defence: command-pipe-place-file
  if (!file.is_shared) return Given::kPipe;
  // defence: place-one-host-program
  if (S_ISREG(found.st_mode) || S_ISBLK(found.st_mode)) return Given::kPipe;
  return S_ISCHR(found.st_mode) && ::isatty(file.fd.get()) == 0 ? Given::kPipe : Given::kItself;
}

/** Of one that this process has: what cannot be read or written is told before anything runs. */
std::optional<SysError> check_access(const HostFile& file, bool is_input) {
  const int flags = ::fcntl(file.fd.get(), F_GETFL);
  if (flags < 0) return last_error(kStep, "fcntl", file.path);
  if ((flags & O_ACCMODE) == (is_input ? O_WRONLY : O_RDONLY)) return refused("fcntl", EBADF, file.path);
  return std::nullopt;
}

}  // namespace

Result<HostFile> open_host_file(const StdioRequest& request, int number) {
  const bool is_input = number == 0;
  HostFile file;
  file.is_shared = request.kind == StdioKind::kInherit;
  file.path = file.is_shared ? "fd " + std::to_string(number) : request.path;
  const char* const syscall = file.is_shared ? "fcntl" : "open";
  if (file.is_shared) {
    file.fd = UniqueFd(::fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  } else {
    // Not through a link at its end, which a build may have put there where it can write, and we are root. O_NONBLOCK:
    // a fifo that nobody has opened at the other end must not hold up the session.
    // defence: log-not-opened-through
    const int flags = (is_input ? O_RDONLY : O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW) | O_NONBLOCK;
    file.fd = above_stdio(UniqueFd(::open(file.path.c_str(), flags | O_CLOEXEC | O_NOCTTY, kLogMode)));
  }
  if (!file.fd) return last_error(kStep, syscall, file.path);
  struct stat found{};
  if (::fstat(file.fd.get(), &found) != 0) return last_error(kStep, "fstat", file.path);
  // jail_attach(2) refuses a process with an open directory, and a directory of the host has no place inside anyway.
  if (S_ISDIR(found.st_mode)) return refused(syscall, EISDIR, file.path);
  file.mode = found.st_mode;
  file.dev = found.st_dev;
  file.ino = found.st_ino;
  file.given = given_for(found, file);
  if (file.is_shared && file.given == Given::kPipe) {
    if (auto error = check_access(file, is_input)) return std::move(*error);
  }
  return file;
}

}  // namespace buildjail
