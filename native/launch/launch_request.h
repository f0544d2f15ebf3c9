#pragma once

#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "plan/limits.h"
#include "plan/plan.h"

namespace buildjail {

/**
 * kSame is for stderr only: the same end as stdout. kPty is for all three: a terminal of the command's own. One pipe
 * brings the typed bytes, and another takes the output.
 */
enum class StdioKind : std::uint8_t { kPipe, kInherit, kIgnore, kFile, kCapture, kSocket, kSame, kPty };

struct StdioRequest {
  StdioKind kind = StdioKind::kIgnore;
  /** Of the host, for kFile. */
  std::string path;
};

/** One command to launch. */
struct LaunchRequest {
  /** The number of its job. */
  std::uint32_t run = 0;
  /** Its pid is reported as soon as it executes. */
  bool tells_started = false;
  std::vector<std::string> argv;
  std::vector<std::string> environment;
  std::string working_directory;
  /** Bytes kept of each captured stream. */
  std::uint64_t max_buffer = 0;
  CommandLimits limits;
  std::array<StdioRequest, 3> stdio;
  /** Of the terminal, where it is one of its own; in characters. */
  winsize terminal_size{};

  /** Opening a file may wait for its file system. */
  [[nodiscard]] bool opens_files() const {
    return std::any_of(stdio.begin(), stdio.end(), [](const auto& one) { return one.kind == StdioKind::kFile; });
  }
};

/** The work for an envelope, in this order; each entry may be missing. src/native/wire-job.ts packs it. */
struct JobRequest {
  std::uint32_t number = 0;
  /** Of the session that is opened. */
  std::string id;
  /** The steps that complete a base. */
  std::optional<std::vector<Step>> rest;
  std::optional<LaunchRequest> command;
  /** The envelope is closed when its command has ended. */
  bool closes = false;
  /** The end has the steps of opening and of closing. */
  bool tells_steps = false;
};

/** EINVAL when the bytes are no job of this version. */
Result<JobRequest> read_job(std::span<const std::byte> bytes);

/**
 * The paths to try in turn for the program: itself when it holds a slash, else below each directory of the PATH given
 * to the command, as execvp(3) does, but settled before the child exists, which may not allocate.
 */
std::vector<std::string> executable_candidates(const LaunchRequest& request);

}  // namespace buildjail
