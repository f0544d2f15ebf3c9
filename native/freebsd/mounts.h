#pragma once

#include <sys/param.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include "base/result.h"
#include "envelope/record.h"
#include "envelope/sources.h"
#include "freebsd/iovec_list.h"

namespace buildjail {

/** The options that every file system is mounted with: its type, its place and its source, which for most is the type.
 */
IovecList file_system(const char* type, const std::string& path, const std::string& from = {});

/**
 * Options for an empty tmpfs(4) for so many files. It has no room for extended attributes, of which a tmpfs would keep
 * 16 MiB beside its size (tmpfs(4), easize).
 */
IovecList empty_tmpfs(const std::string& path, std::uint64_t files);

/** nmount(2), with the kernel's explanation in its error. */
Status nmount_options(IovecList& options, int flags, const std::string& step, const std::string& path);

/** The words of mount(8) for `flags` (statfs(2), f_flags). A flag without a word is left out. */
std::vector<std::string> flag_words(std::uint64_t flags);

/** The form that unmount(2) takes with MNT_BYFSID: `FSID:0:1`. */
std::string fsid_text(const fsid_t& fsid);

/**
 * The FSID of the file system that is mounted at a path. EOPNOTSUPP if the mount lacks one of `flags`, the MNT_ flags
 * that it was mounted with.
 */
Result<std::string> fsid_at(const std::string& path, int flags);

/**
 * The FSIDs of mounts of nullfs. The first half of an FSID is the device of its files (null_getattr), the second a hash
 * of the type's name (vfs_register). After one mount has shown that this is so, no other needs a statfs(2), which would
 * also ask the file system below. Any thread may use it.
 */
class NullfsIds {
 public:
  /**
   * The FSID of the mount at `path`, whose files have the device `device` (stat(2)). If it asks the kernel, it checks
   * `flags` as fsid_at() does.
   */
  Result<std::string> at(const std::string& path, dev_t device, int flags);

 private:
  static constexpr std::int64_t kUnknown = -1;
  std::atomic<std::int64_t> second_half_ = kUnknown;
};

/** unmount(2) by a path, or by an FSID: then no path is looked up, so none can lead elsewhere. */
Status unmount_target(const std::string& target, int flags);

/** All mounts of the host, for people. */
Result<std::vector<MountEntry>> mount_table();

/**
 * Memory that goes back to the system when its content is destroyed (mmap(2)). Another allocator would keep it, once
 * for each thread.
 */
template <class Value>
struct MappedMemory {
  using value_type = Value;
  Value* allocate(std::size_t count) const {
    void* const memory = ::mmap(nullptr, count * sizeof(Value), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    return static_cast<Value*>(memory);
  }
  void deallocate(Value* memory, std::size_t count) const noexcept {
    static_cast<void>(::munmap(memory, count * sizeof(Value)));
  }
  /** The kernel fills it in. A page that the kernel does not fill is not touched. */
  void construct(Value*) const noexcept {}
  bool operator==(const MappedMemory&) const = default;
};

/** Mounts of the host, each of 2 KB. */
using MountedList = std::vector<struct statfs, MappedMemory<struct statfs>>;

/**
 * All mounts of the host, the oldest first (getfsstat(2)). Reads into the memory of an earlier list if that is large
 * enough. Waits for no file system.
 */
Result<MountedList> mounted_list(MountedList earlier = {});

/** Finds the other mounts at the places of a session's sources. Any thread may use it. */
class MountsOfSources {
 public:
  /**
   * Finds the origin of each source that lies in a nullfs(4) mount of the host, because another session may use the
   * mounted folder by its other name; and what is mounted in outputs. ESTALE: the folder of a mount was moved after it
   * was mounted.
   */
  Status look(std::vector<ShownSource>& sources);

 private:
  std::mutex mutex_;
  /** The last list, for its memory: fresh pages cost more than reading into them. */
  MountedList spare_;
};

}  // namespace buildjail
