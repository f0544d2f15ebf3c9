#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/unique_fd.h"

namespace buildjail {

/**
 * A pipe by which bytes go from one socket to another without a copy (splice(2)). One is enough for all connections of
 * a thread, because `pass` leaves it empty.
 */
class SocketPipe {
 public:
  /** Bytes that one pass takes. */
  static constexpr std::size_t kMost = 262144;

  /** False where the system has no splice(2), or no descriptors are left. Again: nothing to do. */
  bool open();
  void close();

  /**
   * Takes bytes from a socket, and gives them to another; neither waits. Returns how many were taken: 0 at the end, and
   * -1 if no byte is there, or after an error, which a read of that socket reports. `rest` gets the bytes that the
   * other socket did not take. `is_whole` is false if bytes were lost, or if the other socket has an error.
   */
  ssize_t pass(int from, int to, std::vector<std::uint8_t>& rest, bool& is_whole);

 private:
  UniqueFd in_;
  UniqueFd out_;
};

}  // namespace buildjail
