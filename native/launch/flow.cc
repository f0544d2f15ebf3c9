#include "launch/flow.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/unique_fd.h"

namespace buildjail {

namespace {

constexpr std::size_t kBufferSize = std::size_t{128} * 1024;

bool is_not_now(int err) { return err == EAGAIN || err == EINTR; }

std::size_t unread_in(const UniqueFd& pipe) {
  int count = 0;
  return pipe && ::ioctl(pipe.get(), FIONREAD, &count) == 0 ? static_cast<std::size_t>(std::max(count, 0)) : 0;
}

/** The pages of a file into a pipe, as they are. EINVAL where the system, or the file, has no such way. */
ssize_t splice_pages([[maybe_unused]] const UniqueFd& file, [[maybe_unused]] const UniqueFd& pipe) {
#ifdef SPLICE_F_NONBLOCK
  return ::splice(file.get(), nullptr, pipe.get(), nullptr, kBufferSize * 8, SPLICE_F_NONBLOCK);
#else
  errno = EINVAL;
  return -1;
#endif
}

/**
 * Takes that much out of a pipe that nobody of us writes to any more. It does not wait, though a build may have emptied
 * the pipe meanwhile, and keep it open: the flag is of this call, and not of an open file that the build has as well.
 */
void empty([[maybe_unused]] const UniqueFd& pipe, [[maybe_unused]] std::size_t count) {
#ifdef SPLICE_F_NONBLOCK
  if (count == 0) return;
  const UniqueFd nowhere = above_stdio(UniqueFd(::open("/dev/null", O_WRONLY | O_CLOEXEC)));
  while (nowhere && count > 0) {
    const ssize_t taken = ::splice(pipe.get(), nullptr, nowhere.get(), nullptr, count, SPLICE_F_NONBLOCK);
    if (taken < 0 && errno == EINTR) continue;
    if (taken <= 0) return;
    count -= std::min(count, static_cast<std::size_t>(taken));
  }
#endif
}

}  // namespace

Flow Flow::into_command(HostFile file, UniqueFd pipe, UniqueFd command_end) {
  Flow flow(std::move(file), std::move(pipe), true);
  flow.command_end_ = std::move(command_end);
  return flow;
}

Flow Flow::from_command(HostFile file, UniqueFd pipe) { return {std::move(file), std::move(pipe), false}; }

pollfd Flow::awaited() const noexcept {
  if (is_over_) return {.fd = -1, .events = 0, .revents = 0};
  const bool is_writing = pending() > 0;
  // A regular file is always ready, and so is an input's where it is spliced.
  const bool is_pipe = is_input_ ? is_writing || S_ISREG(file_.mode) : !is_writing;
  const bool is_written = is_input_ ? is_pipe : is_writing;
  return {.fd = is_pipe ? pipe_.get() : file_.fd.get(),
          .events = static_cast<short>(is_written ? POLLOUT : POLLIN),
          .revents = 0};
}

void Flow::move() {
  if (is_over_ || splice_some()) return;
  if (pending() == 0) fill();
  if (!is_over_ && pending() > 0) flush();
}

void Flow::fill() {
  if (buffer_.empty()) buffer_.resize(kBufferSize);
  const int from = is_input_ ? file_.fd.get() : pipe_.get();
  const ssize_t got = ::read(from, buffer_.data(), buffer_.size());
  if (got < 0 && is_not_now(errno)) return;
  if (got < 0) return fail("read", errno);
  if (got == 0) return reach_end();
  begin_ = 0;
  const auto size = static_cast<std::size_t>(got);
  moved_ += size;
  // The rest is dropped: what the command left behind may go on writing when nobody can tell it from others any more.
  end_ = budget_ ? budget_->spend(size) : size;
  // The command is over, so that nobody waits for what follows: its writers are told (pipe(7), EPIPE).
  // defence: command-left-behind-not
  if (left_ && end_ == 0) return end();
  if (left_) *left_ -= std::min(*left_, size - end_);
}

void Flow::flush() {
  const int to = is_input_ ? pipe_.get() : file_.fd.get();
  const ssize_t put = ::write(to, buffer_.data() + begin_, pending());
  if (put < 0 && is_not_now(errno)) return;
  // A command may close its stdin without reading it. That is no failure.
  if (put < 0 && is_input_ && errno == EPIPE) return end();
  if (put < 0) return fail("write", errno);
  begin_ += static_cast<std::size_t>(put);
  if (left_) *left_ -= std::min(*left_, static_cast<std::size_t>(put));
}

// The command then makes the one copy, as it would by reading the file.
bool Flow::splice_some() {
  if (!is_input_ || !can_splice_ || pending() > 0 || !S_ISREG(file_.mode)) return false;
  const ssize_t moved = splice_pages(file_.fd, pipe_);
  if (moved > 0) moved_ += static_cast<std::uint64_t>(moved);
  if (moved > 0 || (moved < 0 && is_not_now(errno))) return true;
  can_splice_ = moved == 0 || errno != EINVAL;
  if (!can_splice_) return false;
  if (moved == 0) {
    reach_end();
  } else if (errno == EPIPE) {
    end();
  } else {
    fail("splice", errno);
  }
  return true;
}

void Flow::fail(const char* syscall, int err) {
  failure_ = SysError{.step = "stdio", .syscall = syscall, .err = err, .path = file_.path, .dest = {}, .detail = {}};
  is_over_ = true;
  // The end of an input that failed would look like the input's; whoever writes to an output that failed is told.
  if (!is_input_) pipe_.reset();
}

void Flow::nothing_follows() {
  if (is_input_) {
    end();
  } else if (!is_over_) {
    left_ = pending() + unread_in(pipe_);
  }
}

// What was in the pipe may have been read by somebody else, who opened it anew in the session (proc(5), /proc/pid/fd).
bool Flow::is_settled() const {
  return is_over_ || (left_ && (*left_ == 0 || (pending() == 0 && unread_in(pipe_) == 0)));
}

void Flow::give_up() {
  if (!is_settled()) fail("write", ETIMEDOUT);
}

// What a command leaves unread is known once it has ended. Until then the file is kept, to give that back to it.
void Flow::reach_end() {
  is_over_ = true;
  pipe_.reset();
  if (!is_input_ || !file_.is_shared) file_.fd.reset();
}

void Flow::end() {
  is_over_ = true;
  pipe_.reset();
  const std::size_t unread = unread_in(command_end_);
  if (is_input_) put_back(unread);
  // These are pages of the file: whoever still has the pipe would read in them what is written to the file from now on.
  // defence: unread-file-stays-no
  empty(command_end_, unread);
  command_end_.reset();
  file_.fd.reset();
}

void Flow::put_back(std::size_t unread) {
  if (!file_.fd || !file_.is_shared || !S_ISREG(file_.mode)) return;
  // A build can open its stdin anew and fill it with bytes of its own (proc_pid_fd(5)). These stand for what it has
  // read, which it might as well not have read, and for no more: the caller would go on before the command began.
  std::uint64_t left = pending() + unread;
  // defence: no-more-inherited-file
  left = std::min(left, moved_);
  if (left > 0) static_cast<void>(::lseek(file_.fd.get(), -static_cast<off_t>(left), SEEK_CUR));
}

}  // namespace buildjail
