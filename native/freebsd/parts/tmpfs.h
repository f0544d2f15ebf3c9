#pragma once

#include <sys/param.h>
#include <sys/mount.h>

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
  Tmpfs(SessionJail& jail, const MountTmpfs& step) : Mount(jail, step.target), size_(step.size) {}

  Status make(Trace&) override {
    auto options = file_system("tmpfs", path());
    if (size_ > 0) options.add_string("size", std::to_string(size_));
    return mount(std::move(options), MNT_NOSUID);
  }

 private:
  std::uint64_t size_;
};

}  // namespace buildjail
