#pragma once

#include <sys/param.h>
#include <sys/mount.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "envelope/envelope.h"
#include "base/result.h"
#include "freebsd/iovec_list.h"

namespace buildjail {

/** nmount(2) with its explanation; `options` ends in add_errmsg(). */
Status nmount_options(IovecList& options, int flags, const std::string& step, const std::string& path);

/** As unmount(2) takes it with MNT_BYFSID: `FSID:0:1`. */
std::string fsid_text(const fsid_t& fsid);

/** Of the file system that is mounted at a path. */
Result<std::string> fsid_at(const std::string& path);

/**
 * The ids of nullfs mounts. The kernel makes the device of their files from the first half of the id (null_getattr),
 * and the second is the same for all of them; so that after one has shown that this is so, the others need not be asked
 * for, each of which would be a statfs(2) of the file system below as well.
 */
class NullfsIds {
 public:
  /** Of what is mounted at `path`, whose files have the device `device` (stat(2)). */
  Result<std::string> at(const std::string& path, std::uint64_t device);

 private:
  std::optional<std::int32_t> second_half_;
};

/** unmount(2) of a path, or of an FSID: by that no path is looked up, so none can lead elsewhere. */
Status unmount_target(const std::string& target, int flags);

/** What is mounted on the host, for people. */
Result<std::vector<MountEntry>> mount_table();

/** Mounts of ours, youngest last; goes by unmounting them in reverse. */
class MountStack {
 public:
  MountStack() = default;
  MountStack(const MountStack&) = delete;
  MountStack& operator=(const MountStack&) = delete;
  MountStack(MountStack&&) noexcept = default;
  MountStack& operator=(MountStack&&) noexcept = delete;
  ~MountStack();

  [[nodiscard]] std::size_t size() const noexcept { return mounts_.size(); }
  void push(std::string fsid, std::string path) { mounts_.push_back({std::move(fsid), std::move(path)}); }
  /**
   * Unmounts all but the `left` oldest, trying again for `bound` in all where something is busy. What will not go
   * stays, with those that it is mounted on; the others go all the same.
   * @return an error for each that will not go, which says who holds it.
   */
  std::vector<SysError> unmount_down_to(std::size_t left, std::chrono::milliseconds bound, Trace& trace);
  /** Forces the last one left; only when no process can hold it any more. */
  Status force_last(Trace& trace);

 private:
  struct Mounted {
    std::string fsid;
    std::string path;
  };
  /** Whether one of those left, younger than that at `index`, is mounted below it. */
  [[nodiscard]] bool carries_others(std::size_t index) const;
  [[nodiscard]] SysError left_mounted(SysError error, const Mounted& mounted) const;
  std::vector<Mounted> mounts_;
};

}  // namespace buildjail
