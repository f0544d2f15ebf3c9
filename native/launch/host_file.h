#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "launch/launch_request.h"

namespace buildjail {

/** What a command gets where its stdin, stdout or stderr is to be a file of the host, or one that this process has. */
enum class Given : std::uint8_t {
  /** The descriptor itself: a pipe, a socket or a terminal, which the caller gives by its own word. */
  kItself,
  /** /dev/null: the session has one of its own. */
  kOwnNull,
  /** A pipe. What can be kept or changed through a descriptor of it is read and written by us alone. */
  kPipe,
};

/** A file that a command's stdin comes from, or its output goes to. */
struct HostFile {
  UniqueFd fd;
  Given given = Given::kPipe;
  /** Also somebody else's who has the same open file: its position and its flags are not ours alone. */
  bool is_shared = false;
  mode_t mode = 0;
  dev_t dev = 0;
  ino_t ino = 0;
  /** For errors. */
  std::string path;

  [[nodiscard]] bool is_same_file(const HostFile& other) const noexcept { return dev == other.dev && ino == other.ino; }
};

/** Opens what `request` names, which is kFile or kInherit, for the standard descriptor of that number. */
Result<HostFile> open_host_file(const StdioRequest& request, int number);

}  // namespace buildjail
