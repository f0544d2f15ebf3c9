#pragma once

#include <array>
#include <memory>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "launch/captured_stream.h"
#include "launch/launch_request.h"

namespace buildjail {

/** Both ends of a command's standard descriptors. */
struct StdioEnds {
  /** What the command gets as 0, 1 and 2. The third is empty where it is to be the second once more. */
  std::array<UniqueFd, 3> child;
  /** Our ends of its pipes; empty where there is none. Non-blocking where captured. */
  std::array<UniqueFd, 3> ours;
  /** Those of ours that are sockets, once they were given away: there as long as who has them keeps them open. */
  std::vector<std::weak_ptr<const UniqueFd>> sockets;

  /** The descriptors that the command gets, by number. */
  [[nodiscard]] std::array<int, 3> numbers() const noexcept {
    return {child[0].get(), child[1].get(), child[2] ? child[2].get() : child[1].get()};
  }
  /** Makes the pipes that are not there yet; quick, so it may run on a thread that must not wait. */
  Status make_pipes(const std::array<StdioRequest, 3>& stdio);
  /** Opens what of files, /dev/null and what is inherited is not there yet; may wait for a file system. */
  Status open_files(const std::array<StdioRequest, 3>& stdio);
};

}  // namespace buildjail
