#include "launch/file_flow.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace buildjail {

namespace {

constexpr const char* kStep = "stdio";
constexpr mode_t kLogMode = 0644;

SysError refused(const char* syscall, int err, const std::string& path) {
  return {.step = kStep, .syscall = syscall, .err = err, .path = path};
}

bool is_null(const struct stat& found) {
  struct stat null{};
  return S_ISCHR(found.st_mode) && ::stat("/dev/null", &null) == 0 && found.st_rdev == null.st_rdev;
}

CommandEnd end_for(const HostFile& file, bool is_input) {
  // defence: host-program-dev-null
  if (is_null(file.status)) return CommandEnd::kOwnNull;
  // defence: command-pipe-place-file
  return is_input && file.is_shared && file.is_stream() ? CommandEnd::kItself : CommandEnd::kPipe;
}

constexpr std::size_t kBufferSize = std::size_t{128} * 1024;

bool is_not_now(int err) { return err == EAGAIN || err == EINTR; }

std::size_t unread_in(const UniqueFd& pipe) {
  int count = 0;
  return pipe && ::ioctl(pipe.get(), FIONREAD, &count) == 0 ? static_cast<std::size_t>(std::max(count, 0)) : 0;
}

/** Moves pages of a file into a pipe without a copy. EINVAL where the system, or the file, cannot do so. */
ssize_t splice_pages([[maybe_unused]] const UniqueFd& file, [[maybe_unused]] const UniqueFd& pipe) {
#ifdef SPLICE_F_NONBLOCK
  return ::splice(file.get(), nullptr, pipe.get(), nullptr, kBufferSize * 8, SPLICE_F_NONBLOCK);
#else
  errno = EINVAL;
  return -1;
#endif
}

/**
 * Takes that much out of a pipe that we write to no more. A build may have emptied the pipe meanwhile and keep it open,
 * so this must not wait. SPLICE_F_NONBLOCK holds for this call only; O_NONBLOCK would be seen by the build, which has
 * the same open file.
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

Result<HostFile> open_host_file(const StdioRequest& request, int number) {
  const bool is_input = number == 0;
  HostFile file;
  file.is_shared = request.kind == StdioKind::kInherit;
  file.path = file.is_shared ? "fd " + std::to_string(number) : request.path;
  const char* const syscall = file.is_shared ? "fcntl" : "open";
  if (file.is_shared) {
    file.fd = UniqueFd(::fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  } else {
    // O_NOFOLLOW: a build may have put a link there where it can write, and we are root. O_NONBLOCK: a fifo without a
    // reader must not hold up the session.
    // defence: log-not-opened-through
    const int flags = (is_input ? O_RDONLY : O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW) | O_NONBLOCK;
    file.fd = above_stdio(UniqueFd(::open(file.path.c_str(), flags | O_CLOEXEC | O_NOCTTY, kLogMode)));
  }
  if (!file.fd) return last_error(kStep, syscall, file.path);
  if (::fstat(file.fd.get(), &file.status) != 0) return last_error(kStep, "fstat", file.path);
  // A directory of the host has no place inside, and jail_attach(2) refuses a process that has one open.
  if (S_ISDIR(file.status.st_mode)) return refused(syscall, EISDIR, file.path);
  file.command_end = end_for(file, is_input);
  if (!file.is_shared || file.command_end != CommandEnd::kPipe) return file;
  // So that it is told before anything runs that a descriptor of this process cannot be read or written.
  const int flags = ::fcntl(file.fd.get(), F_GETFL);
  if (flags < 0) return last_error(kStep, "fcntl", file.path);
  if ((flags & O_ACCMODE) == (is_input ? O_WRONLY : O_RDONLY)) return refused("fcntl", EBADF, file.path);
  return file;
}

int FileFlow::await(std::vector<pollfd>& awaited) const {
  if (is_over_) return -1;
  const bool is_writing = pending() > 0;
  // A regular file is always ready, so an input waits for the pipe.
  const bool is_pipe = is_input_ ? is_writing || file_.is_regular() : !is_writing;
  const bool is_written = is_input_ ? is_pipe : is_writing;
  awaited.push_back({.fd = is_pipe ? pipe_.get() : file_.fd.get(),
                     .events = static_cast<short>(is_written ? POLLOUT : POLLIN),
                     .revents = 0});
  // Without events, poll(2) only reports that the reader has gone.
  if (is_pipe && ends_with_its_reader()) awaited.push_back({.fd = file_.fd.get(), .events = 0, .revents = 0});
  return -1;
}

void FileFlow::move(std::span<const pollfd> happened) {
  if (is_over_ || happened.empty()) return;
  // So the command gets EPIPE by its first write after that, as it would by the stream itself.
  if (happened.size() > 1 && happened.back().revents != 0) return end();
  if (happened.front().revents == 0 || splice_some()) return;
  if (pending() == 0) fill();
  if (!is_over_ && pending() > 0) flush();
}

void FileFlow::fill() {
  if (buffer_.empty()) buffer_.resize(kBufferSize);
  const int from = is_input_ ? file_.fd.get() : pipe_.get();
  const ssize_t got = ::read(from, buffer_.data(), buffer_.size());
  if (got < 0 && is_not_now(errno)) return;
  if (got < 0) return fail("read", errno);
  if (got == 0) return reach_end();
  begin_ = 0;
  const auto size = static_cast<std::size_t>(got);
  moved_ += size;
  // Bytes beyond the budget are dropped. The command is killed for them, but processes that it left may still write.
  end_ = budget_ ? budget_->spend(size) : size;
  if (last_) last_->add(std::as_bytes(std::span(buffer_).first(end_)));
  // The command has ended and its budget is spent: the remaining writers get EPIPE (pipe(7)).
  // defence: command-left-behind-not
  if (left_ && end_ == 0) return end();
  if (left_) *left_ -= std::min(*left_, size - end_);
}

void FileFlow::flush() {
  const int to = is_input_ ? pipe_.get() : file_.fd.get();
  // A shared stream must not be made one that does not block. So much fits into it when poll(2) says that some does.
  const std::size_t most = !is_input_ && file_.is_shared && file_.is_stream() ? PIPE_BUF : pending();
  const ssize_t put = ::write(to, buffer_.data() + begin_, std::min(pending(), most));
  if (put < 0 && is_not_now(errno)) return;
  // A command may close its stdin without reading it, and the reader of its output may go, which are no failures.
  if (put < 0 && errno == EPIPE && (is_input_ || file_.is_stream())) return end();
  if (put < 0) return fail("write", errno);
  begin_ += static_cast<std::size_t>(put);
  if (left_) *left_ -= std::min(*left_, static_cast<std::size_t>(put));
}

// The command's read(2) then makes the one copy, as if it read the file.
bool FileFlow::splice_some() {
  if (!is_input_ || !can_splice_ || pending() > 0 || !file_.is_regular()) return false;
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

void FileFlow::fail(const char* syscall, int err) {
  failure_ = refused(syscall, err, file_.path);
  is_over_ = true;
  // Closing an input here would look like its end. Writers to an output get EPIPE.
  if (!is_input_) pipe_.reset();
}

void FileFlow::nothing_follows() {
  if (is_input_) {
    end();
  } else if (!is_over_) {
    left_ = pending() + unread_in(pipe_);
  }
}

// A process of the session may have opened the pipe again and read from it (proc(5), /proc/pid/fd).
bool FileFlow::is_settled() const {
  return is_over_ || (left_ && (*left_ == 0 || (pending() == 0 && unread_in(pipe_) == 0)));
}

// The reader of a stream may be a person who has stopped reading for a while.
void FileFlow::give_up() {
  if (!is_settled() && !(file_.is_shared && file_.is_stream())) fail("write", ETIMEDOUT);
}

// How much the command leaves unread is known when it has ended. A shared file is kept until then, to give that back.
void FileFlow::reach_end() {
  is_over_ = true;
  pipe_.reset();
  if (!is_input_ || !file_.is_shared) file_.fd.reset();
}

void FileFlow::end() {
  is_over_ = true;
  pipe_.reset();
  const std::size_t unread = unread_in(command_end_);
  if (is_input_) put_back(unread);
  // These are pages of the file: a process that still has the pipe would read in them what the file gets from now on.
  // defence: unread-file-stays-no
  empty(command_end_, unread);
  command_end_.reset();
  file_.fd.reset();
}

void FileFlow::put_back(std::size_t unread) {
  if (!file_.fd || !file_.is_shared || !file_.is_regular()) return;
  // A build can open its stdin again and fill it with bytes of its own (proc_pid_fd(5)). So never more is given back
  // than was moved: the caller would go on before the point where the command began.
  std::uint64_t left = pending() + unread;
  // defence: no-more-inherited-file
  left = std::min(left, moved_);
  if (left > 0) static_cast<void>(::lseek(file_.fd.get(), -static_cast<off_t>(left), SEEK_CUR));
}

}  // namespace buildjail
