#pragma once

#include <array>
#include <memory>
#include <vector>

#include "core/captured_stream.h"
#include "core/launch_request.h"
#include "core/unique_fd.h"

namespace buildjail {

/** Both ends of a command's standard descriptors. */
struct StdioEnds {
  /** What the command gets as 0, 1 and 2. */
  std::array<UniqueFd, 3> child;
  /** Our ends of its pipes; empty where there is none. Non-blocking where captured. */
  std::array<UniqueFd, 3> ours;
  /** Those of ours that are sockets, once they were given away: there as long as who has them keeps them open. */
  std::vector<std::weak_ptr<const UniqueFd>> sockets;

  /** Makes the pipes; quick, so it may run on a thread that must not wait. */
  static Result<StdioEnds> make_pipes(const LaunchRequest& request);
  /** Opens what is a file, /dev/null or inherited; may wait for a file system. */
  Status open_files(const LaunchRequest& request);
};

}  // namespace buildjail
