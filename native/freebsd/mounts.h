#pragma once

#include <sys/param.h>
#include <sys/mount.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "envelope/record.h"
#include "envelope/sources.h"
#include "freebsd/iovec_list.h"

namespace buildjail {

/** What every file system is mounted with: its type, where, and of what; most are of nothing but their type. */
IovecList file_system(const char* type, const std::string& path, const std::string& from = {});

/**
 * Empty, in memory, for so many files. It has no room for extended attributes: a tmpfs would keep 16 MiB of them beside
 * its size (tmpfs(4), easize).
 */
IovecList empty_tmpfs(const std::string& path, std::uint64_t files);

/**
 * Of a directory or file of the host. A socket of the host that lies in it must not be a way out (mount_nullfs(8),
 * nounixbypass).
 */
IovecList nullfs(const std::string& path, const std::string& source);
inline int nullfs_flags(bool is_writable) {
  // defence: inputs-read-only-2
  return MNT_NOSUID | (is_writable ? 0 : MNT_RDONLY);
}

/** nmount(2) with its explanation; `options` ends in add_errmsg(). */
Status nmount_options(IovecList& options, int flags, const std::string& step, const std::string& path);

/** The words of mount(8) for those of `flags` (statfs(2), f_flags) that have one. */
std::vector<std::string> flag_words(std::uint64_t flags);

/** As unmount(2) takes it with MNT_BYFSID: `FSID:0:1`. */
std::string fsid_text(const fsid_t& fsid);

/**
 * Of the file system that is mounted at a path. EOPNOTSUPP when the kernel has not given it all of `flags`, the MNT_
 * flags that it was mounted with.
 */
Result<std::string> fsid_at(const std::string& path, int flags);

/**
 * The ids of mounts of one type, nullfs or tmpfs. The kernel makes the device of their files from the first half of the
 * id (null_getattr, tmpfs_getattr). The second is a hash of the type's name (vfs_register). After one has shown that
 * this is so, the others need not be asked for; for a nullfs that would be a statfs(2) of the file system below as
 * well. Any thread.
 */
class MountIds {
 public:
  /**
   * Of what is mounted at `path`, whose files have the device `device` (stat(2)). Where the kernel is asked, it is
   * asked for `flags` as well, as by fsid_at().
   */
  Result<std::string> at(const std::string& path, std::uint64_t device, int flags);

 private:
  static constexpr std::int64_t kUnknown = -1;
  std::atomic<std::int64_t> second_half_ = kUnknown;
};

/** unmount(2) of a path, or of an FSID: by that no path is looked up, so none can lead elsewhere. */
Status unmount_target(const std::string& target, int flags);

/** What is mounted on the host, for people. */
Result<std::vector<MountEntry>> mount_table();

/**
 * What is mounted on the host, the oldest first (getfsstat(2)). It takes 2 KB a mount of everybody's, so it lies in
 * memory of its own (mmap(2)) that goes back to the system with it: an allocator would keep it, once for each thread.
 */
class MountedList {
 public:
  MountedList() noexcept = default;
  /** Without waiting for any file system. */
  static Result<MountedList> read() { return read(MountedList()); }
  /** In the memory of an earlier one, where that is enough. */
  static Result<MountedList> read(MountedList earlier);
  MountedList(MountedList&& other) noexcept
      : memory_(std::exchange(other.memory_, {})), count_(std::exchange(other.count_, 0)) {}
  MountedList& operator=(MountedList&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(count_, other.count_);
    return *this;
  }
  MountedList(const MountedList&) = delete;
  MountedList& operator=(const MountedList&) = delete;
  ~MountedList();

  [[nodiscard]] const struct statfs* begin() const noexcept { return memory_.data(); }
  [[nodiscard]] const struct statfs* end() const noexcept { return memory_.data() + count_; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] std::size_t bytes_of_memory() const noexcept { return memory_.size_bytes(); }

 private:
  explicit MountedList(std::span<struct statfs> memory) : memory_(memory) {}
  static Result<MountedList> with_room_for(std::size_t count);

  std::span<struct statfs> memory_;
  std::size_t count_ = 0;
};

/** The memory of the last list, for the next: to have fresh pages costs more than what is read into them. */
class SpareList {
 public:
  MountedList take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(kept_, {});
  }
  void give_back(MountedList list) {
    const std::lock_guard lock(mutex_);
    if (list.bytes_of_memory() <= kMostKept) kept_ = std::move(list);
  }

 private:
  static constexpr std::size_t kMostKept = std::size_t{512} * 1024;

  std::mutex mutex_;
  MountedList kept_;
};

/**
 * The origin of each source that lies in a nullfs(5) mount of the host: the folder that is mounted there, of which
 * another session may have another name; and what is mounted in outputs. ESTALE where a mount's folder is not where it
 * was when it was mounted.
 */
Status look_at_mounts(std::vector<ShownSource>& sources, SpareList& memory);

}  // namespace buildjail
