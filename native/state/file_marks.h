#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "state/file_state.h"

namespace buildjail {

/**
 * What the owner of a file can put on it beyond its mode: access control lists, extended attributes, and on Linux flags
 * and the project of its inode. Flags of chflags(2) are not among them: they are in the state of a file.
 */
struct Mark {
  /** As the system names it. */
  std::string name;
  std::string value;

  bool operator==(const Mark&) const = default;
};

/** Those on a directory, by a descriptor that it was opened with. */
Result<std::vector<Mark>> marks_on(int directory);

/** The directory has these again, and no others. Adds to `stays`, in words, what the kernel does not take away. */
Status restore_marks(int directory, const std::vector<Mark>& before, std::vector<std::string>& stays);

/** Takes marks from the files of one output. */
class MarkTaker {
 public:
  /** `before` is what was on the output's own folder; flags that files inherit from it are none of the build's. */
  MarkTaker(int top, const std::vector<Mark>& before);

  /**
   * From what a descriptor of O_PATH has. Adds to `stays`, in words, what the kernel does not take away. The mode is
   * narrower afterwards where an access control list had narrowed it.
   */
  Status take(int fd, FileState& file, std::vector<std::string>& stays);

 private:
  Status take_attributes(int fd, FileState& file, std::vector<std::string>& stays);
  Status take_flags(int fd, const FileState& file, std::vector<std::string>& stays);
  Status take_lists(int fd, FileState& file, std::vector<std::string>& stays);

  /** What the file system has; it is not asked again where it has none. */
  struct FileSystem {
    bool has_attributes = true;
    bool has_flags = true;
    bool has_project = true;
    /** FreeBSD: which access control lists, as acl(3) numbers them; -1 for none. */
    int lists = -1;
    std::uint64_t kept_flags = 0;
    std::uint64_t project = 0;
  };

  FileSystem system_;
};

}  // namespace buildjail
