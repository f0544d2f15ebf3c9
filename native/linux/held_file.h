#pragma once

#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "state/file_state.h"

namespace buildjail {

/** A file of any kind, links included. It stays the same file whatever its name leads to by now. */
class HeldFile {
 public:
  /** Empty with errno set. */
  HeldFile(int around, const std::string& name);

  explicit operator bool() const { return state_.has_value(); }
  [[nodiscard]] int fd() const { return file_.get(); }
  /** Its state at first. */
  [[nodiscard]] const FileState& state() const { return *state_; }
  /** The content of a folder. */
  [[nodiscard]] UniqueFd open_folder() const;
  /** Gives the caller access to its own folder until it is shut again. False with errno set. */
  [[nodiscard]] bool open_up() const;
  [[nodiscard]] bool shut() const;

 private:
  UniqueFd file_;
  std::optional<FileState> state_;
};

/** As rename(2), which moves only a folder that may be written to (EACCES). Names the call that failed. */
const char* move_file(int from, const std::string& name, int to, const std::string& as);

}  // namespace buildjail
