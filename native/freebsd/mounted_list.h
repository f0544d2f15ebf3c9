#pragma once

#include <sys/param.h>
#include <sys/mount.h>

#include <cstddef>
#include <span>
#include <utility>

#include "base/result.h"

namespace buildjail {

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

}  // namespace buildjail
