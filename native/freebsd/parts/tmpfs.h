#pragma once

#include <sys/param.h>
#include <sys/mount.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "freebsd/mounts.h"
#include "freebsd/parts/mount.h"
#include "plan/plan.h"

namespace buildjail {

/** A file system in memory of the build's own. */
class Tmpfs final : public Mount {
 public:
  /** `step` outlives it. */
  Tmpfs(SessionJail& jail, const MountTmpfs& step) : Mount(jail, step.target), size_(step.size), files_(step.files) {}

  Status make(Trace&) override {
    // defence: file-system-memory-spec
    const std::uint64_t files = std::max(files_ + 1, kFewest);
    auto options = empty_tmpfs(path(), files);
    if (size_ > 0) options.add_string("size", std::to_string(size_));
    return mount(std::move(options), MNT_NOSUID);
  }

 private:
  /** With the root; of fewer the kernel makes a number of its own (tmpfs_mount). */
  static constexpr std::uint64_t kFewest = 4;

  std::uint64_t size_, files_;
};

}  // namespace buildjail
