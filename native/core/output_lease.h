#pragma once

#include <sys/stat.h>

#include <string>

#include "core/plan.h"
#include "core/result.h"
#include "core/unique_fd.h"

namespace buildjail {

/**
 * A writable source for the time of a session: no other session of this host has it, and the build user owns it. Both
 * end when this goes. Ownership is given and taken back by descriptor, and of the directory itself only, so nothing
 * that a build leaves in it can redirect that.
 */
class OutputLease {
 public:
  /** EBUSY when another live session writes there. `directory` is the source, opened for reading. */
  static Result<OutputLease> take(const std::string& state_directory, const Bind& bind, UniqueFd directory);
  OutputLease(OutputLease&&) noexcept = default;
  OutputLease& operator=(OutputLease&&) noexcept = delete;
  OutputLease(const OutputLease&) = delete;
  OutputLease& operator=(const OutputLease&) = delete;
  ~OutputLease();

  /** From here on `hand_back` brings back its owner and mode of now. */
  Status remember();
  /** Remembers, and makes the user its owner where that is needed for writing to it. */
  Status hand_over(const BuildUser& user);
  Status hand_back();
  /** Hands back, and lets others write there. Again: what of that is left to do. */
  Status end();

 private:
  OutputLease(UniqueFd directory, UniqueFd lock, std::string lock_path, std::string source)
      : directory_(std::move(directory)),
        lock_(std::move(lock)),
        lock_path_(std::move(lock_path)),
        source_(std::move(source)) {}

  UniqueFd directory_;
  UniqueFd lock_;
  std::string lock_path_;
  std::string source_;
  struct stat before_{};
  bool is_remembered_ = false;
};

}  // namespace buildjail
