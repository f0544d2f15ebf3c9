#include "relay.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace buildjail::launch {

std::size_t Relay::write() {
  // pipe(7): so much does not block where poll(2) has found room.
  const auto size = std::min<std::size_t>(waiting_.size(), PIPE_BUF);
  const auto written = ::write(fd_, waiting_.data(), size);
  if (written < 0 && (errno == EINTR || errno == EAGAIN)) return 0;
  // A reader that has gone gets nothing more, and the command goes on.
  const auto done = written < 0 ? waiting_.size() : static_cast<std::size_t>(written);
  waiting_.erase(0, done);
  return done;
}

}  // namespace buildjail::launch
