#pragma once

#include <sys/types.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/tolerated.h"

namespace buildjail {

/** Owns a file descriptor, and closes it when it is destroyed. */
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  void reset(int fd = -1) noexcept {
    // The descriptor is closed whatever close(2) returns.
    if (fd_ >= 0) static_cast<void>(::close(fd_));
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

/**
 * The same open file by a number above 2. A child puts other files at 0, 1 and 2, and the host program may have left
 * those numbers free. Empty, with errno set, when no descriptor is left.
 */
inline UniqueFd above_stdio(UniqueFd fd) {
  if (!fd || fd.get() > STDERR_FILENO) return fd;
  return UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

/** Flags of open(2) that hold a file whatever its mode is, and follow no link. Without O_PATH it must be readable. */
#ifdef O_PATH
inline constexpr int kHold = O_PATH | O_NOFOLLOW | O_CLOEXEC;
#else
inline constexpr int kHold = O_RDONLY | O_NOFOLLOW | O_CLOEXEC;
#endif
inline constexpr int kHoldFolder = kHold | O_DIRECTORY;
/** Those that open a folder to read it, and follow no link. */
inline constexpr int kReadFolder = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/** Makes a call again for as long as a signal interrupts it (EINTR), and returns its result. */
template <class Call>
ssize_t without_interruption(Call call) {
  const Tolerated tolerated("the call is made again", EINTR);
  ssize_t result = -1;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

}  // namespace buildjail
