#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "network/socket_pipe.h"

namespace buildjail {

bool SocketPipe::open() {
  if (out_) return true;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return false;
  UniqueFd out = above_stdio(UniqueFd(ends[0]));
  UniqueFd in = above_stdio(UniqueFd(ends[1]));
  if (!out || !in) return false;
  // A pipe that stays small passes on less at a time (pipe(7), pipe-user-pages-soft).
  static_cast<void>(::fcntl(in.get(), F_SETPIPE_SZ, static_cast<int>(kMost)));
  in_ = std::move(in);
  out_ = std::move(out);
  return true;
}

void SocketPipe::close() {
  in_.reset();
  out_.reset();
}

ssize_t SocketPipe::pass(int from, int to, std::vector<std::uint8_t>& rest, bool& is_whole) {
  is_whole = true;
  const ssize_t taken = ::splice(from, nullptr, in_.get(), nullptr, kMost, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
  if (taken <= 0) return taken;
  auto left = static_cast<std::size_t>(taken);
  while (left > 0) {
    const ssize_t given = ::splice(out_.get(), nullptr, to, nullptr, left, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (given < 0 && errno != EAGAIN && errno != EINTR) {
      // The kernel reports the error once (socket(7), SO_ERROR), so a later write would not find it.
      is_whole = false;
      close();
      rest.clear();
      return taken;
    }
    if (given <= 0) break;
    left -= static_cast<std::size_t>(given);
  }
  rest.resize(left);
  // The next connection must find the pipe empty.
  for (std::size_t at = 0; at < left;) {
    const ssize_t got = without_interruption([&] { return ::read(out_.get(), rest.data() + at, left - at); });
    is_whole = got > 0;
    if (!is_whole) {
      close();
      rest.clear();
      break;
    }
    at += static_cast<std::size_t>(got);
  }
  return taken;
}

}  // namespace buildjail
