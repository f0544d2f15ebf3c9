#pragma once

#include <string>

#include "core/result.h"

namespace buildjail {

/** Makes a directory of mode 0700, or takes one that is there if it is the caller's own and of that mode. */
Status make_private_directory(const std::string& path);

/**
 * A session's folder in the state directory, and in it `root`, where its root is mounted. Only we can reach it: a
 * jail's root must not be reachable by other users of the host (jail(8), NOTES). Removed when it goes, if it is empty
 * as it must be.
 */
class SessionDirectory {
 public:
  /** `state_directory` exists. */
  static Result<SessionDirectory> make(const std::string& state_directory, const std::string& id);
  SessionDirectory(SessionDirectory&& other) noexcept;
  SessionDirectory& operator=(SessionDirectory&& other) = delete;
  SessionDirectory(const SessionDirectory&) = delete;
  SessionDirectory& operator=(const SessionDirectory&) = delete;
  ~SessionDirectory();

  [[nodiscard]] const std::string& root() const noexcept { return root_; }
  /** Directories only, which must be empty: never a tree. */
  Status remove();
  void release() noexcept { path_.clear(); }

 private:
  explicit SessionDirectory(std::string path) : path_(std::move(path)), root_(path_ + "/root") {}

  std::string path_;
  std::string root_;
};

}  // namespace buildjail
