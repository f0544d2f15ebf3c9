#include "launch/captured_stream.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace buildjail {

namespace {
// The capacity of a pipe on both systems, grown: one read empties it.
constexpr std::size_t kReadSize = 65536;
}  // namespace

bool CapturedStream::read_some() { return read_at_most(kReadSize) != 0; }

void CapturedStream::drain() {
  int available = 0;
  // What the command wrote is in the pipe when it is dead, so the amount in it now bounds what is its own.
  if (!fd_ || ::ioctl(fd_.get(), FIONREAD, &available) != 0) available = 0;
  auto left = static_cast<std::size_t>(available);
  while (left > 0) {
    const std::size_t size = read_at_most(std::min(left, kReadSize)).value_or(0);
    if (size == 0) break;
    left -= size;
  }
}

std::optional<std::size_t> CapturedStream::read_at_most(std::size_t size) {
  std::array<std::byte, kReadSize>
      buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): read(2) fills what is used
  const ssize_t got = ::read(fd_.get(), buffer.data(), size);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  if (got <= 0) return 0;
  const auto count = static_cast<std::size_t>(got);
  const std::size_t kept =
      static_cast<std::size_t>(std::min<std::uint64_t>(count, bound_ - std::min<std::uint64_t>(bound_, bytes_.size())));
  is_over_bound_ |= kept < count;
  if (budget_) static_cast<void>(budget_->spend(count));
  bytes_.insert(bytes_.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(kept));
  return count;
}

}  // namespace buildjail
