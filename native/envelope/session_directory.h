#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "envelope/part.h"

namespace buildjail {

/**
 * The directory where the root is mounted, beside the session's entry. Only we can reach it, as the state directory is
 * ours: a jail's root must not be reachable by other users of the host (jail(8), NOTES).
 */
class SessionDirectory final : public Part {
 public:
  /** `is_there` where a dead session has made it. */
  explicit SessionDirectory(std::string root, bool is_there = false) : root_(std::move(root)), is_there_(is_there) {}

  [[nodiscard]] std::string_view step() const override { return "session-directory"; }
  Status make(Trace&) override {
    // chmod as well: a tmpfs takes the mode of what it covers, and the umask is the host program's.
    if (::mkdir(root_.c_str(), kMode) != 0) return last_error("state-directory", "mkdir", root_);
    is_there_ = true;
    if (::chmod(root_.c_str(), kMode) != 0) return last_error("state-directory", "chmod", root_);
    return {};
  }
  /** A directory only, which must be empty: never a tree. */
  Status take_away(TakingAway& taking) override {
    if (!is_there_) return {};
    if (::rmdir(root_.c_str()) != 0 && errno != ENOENT) return last_error("rmdir", "rmdir", root_);
    is_there_ = false;
    taking.trace.mark("rmdir");
    return {};
  }

 private:
  static constexpr mode_t kMode = 0755;

  std::string root_;
  bool is_there_;
};

}  // namespace buildjail
