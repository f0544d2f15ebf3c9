#pragma once

#include <sys/stat.h>

#include <climits>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "state/tree_walk.h"

namespace buildjail {

/**
 * Copies the content of a directory, with its modes except for set-id bits, and without lists, attributes and flags.
 * Links are copied as links. Holes stay holes, so that the copy is no larger. After a failure each file that is there
 * is whole and has its owner.
 */
class TreeCopy : public TreeWalk {
 public:
  Status copy_all(int top) { return run(top); }

 protected:
  /** `to` is the folder of the copy; no other user may enter it meanwhile. */
  TreeCopy(const char* step, int to) : TreeWalk({}, step), to_(to), step_(step) {}

  struct Owner {
    uid_t uid;
    gid_t gid;
  };
  /** Of the copy of a file. */
  [[nodiscard]] virtual Owner owner_of(const FileState& file) const = 0;
  /** A file could not be copied; an error ends the copy. `path` is from the top on. EOPNOTSUPP: files of its kind are
   * not copied. */
  virtual Status leave_out(std::string path, SysError why) = 0;
  /** Whether a file is to be copied. Called before anything else. An error ends the copy. */
  virtual Result<bool> wants(const std::string& /*path*/, const FileState& /*file*/) { return true; }
  /** Between two pieces of a file; an error ends the copy. */
  [[nodiscard]] virtual Status go_on() const { return {}; }
  /** So many bytes more of a file are in the copy. */
  virtual void wrote(std::size_t /*bytes*/) const {}
  /** Whether the copy has the times of the source. */
  [[nodiscard]] virtual bool has_times() const { return false; }
  /** Gives a file of the copy its content and everything else. */
  virtual Status copy_file(int fd, const FileState& file, const char* name) { return copy_content(fd, file, name); }
  /** The folder of the copy that is filled now. */
  [[nodiscard]] int at() const { return at_.get(); }

  Status copy_content(int fd, const FileState& file, const char* name);
  Status begin() override;

 private:
  [[nodiscard]] bool may_open_up(const FileState& folder) const override;
  Result<bool> visit(int fd, FileState& file, std::string_view name) override;
  Status finish(mode_t mode) override;

  Status copy(int fd, const FileState& file, const char* name);
  Status copy_folder(int fd, const FileState& file, const char* name);
  Status copy_link(int fd, const FileState& file, const char* name);
  Status copy_data(int from, int to) const;
  Status copy_piece(int from, int to, off_t at, off_t end) const;
  [[nodiscard]] Status taken_back(SysError error, const char* name, int flags = 0) const;

  /** The properties that a file of the copy gets last. */
  struct Settled {
    Owner owner;
    /** The times of the source, if the copy has them. */
    timespec times[2];  // NOLINT(modernize-avoid-c-arrays): as futimens(2) takes them
  };
  [[nodiscard]] Result<Settled> settled(int fd, const FileState& file) const;
  [[nodiscard]] Status settle(int fd, const Settled& as, mode_t mode) const;

  int to_;
  const char* step_;
  /** The copy of the current folder. */
  UniqueFd at_;
  /** Of the folders that the walk is in. */
  std::vector<Settled> around_;
};

}  // namespace buildjail
