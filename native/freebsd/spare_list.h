#pragma once

#include <cstddef>
#include <mutex>
#include <utility>

#include "freebsd/mounted_list.h"

namespace buildjail {

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

}  // namespace buildjail
