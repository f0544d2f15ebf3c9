#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace buildjail {

enum class StdioKind : std::uint8_t { kPipe, kInherit, kIgnore, kFile, kCapture, kSocket };

struct StdioRequest {
  StdioKind kind = StdioKind::kIgnore;
  /** Of the host, for kFile. */
  std::string path;
};

/** One command to launch, as src/native/wire.ts packs it. */
struct LaunchRequest {
  std::uint32_t run;
  /** When it ends, nothing else in the envelope is of use. */
  bool is_last;
  std::vector<std::string> argv;
  std::vector<std::string> environment;
  std::string working_directory;
  /** Bytes kept of each captured stream. */
  std::uint64_t max_buffer;
  std::array<StdioRequest, 3> stdio;
};

Result<LaunchRequest> read_launch(std::span<const std::byte> bytes);

/**
 * The paths to try in turn for the program: itself when it holds a slash, else below each directory of the PATH given
 * to the command, as execvp(3) does, but settled before the child exists, which may not allocate.
 */
std::vector<std::string> executable_candidates(const LaunchRequest& request);

}  // namespace buildjail
