#pragma once

#include <sys/param.h>
#include <sys/mount.h>

#include <string>
#include <utility>

#include "envelope/output.h"
#include "freebsd/mounted_source.h"
#include "freebsd/mounts.h"
#include "freebsd/parts/mount.h"
#include "plan/plan.h"
#include "plan/planned_source.h"

namespace buildjail {

/** A directory or file of the host, inside. */
class Nullfs final : public Mount {
 public:
  /** All outlive it. `lease` is null unless it is an output. */
  Nullfs(SessionJail& jail, const Bind& bind, const OutputLease* lease, MountIds& ids)
      : Mount(jail, bind.target), bind_(bind), lease_(lease), ids_(ids) {}

  /** ESTALE when the source is another one than was planned, or was held while it was mounted. */
  Status make(Trace&) override {
    UniqueFd pinned;
    if (lease_ == nullptr) {
      auto source = pin_source(bind_);
      if (!source) return std::move(source.error());
      pinned = std::move(*source);
    }
    auto options = nullfs(path(), bind_.source);
    // As in Mount::mount.
    options.add_flag("nocover");
    options.add_errmsg();
    const int flags = nullfs_flags(bind_.is_writable);
    if (auto status = nmount_options(options, flags, "nmount", bind_.source); !status) {
      status.error().dest = bind_.target;
      return status;
    }
    const auto shown = verify_mounted(bind_, lease_ == nullptr ? pinned.get() : lease_->directory(), path());
    // Whatever it shows, it is ours to take away.
    auto status = take(shown ? ids_.at(path(), shown->st_dev, flags) : fsid_at(path(), 0));
    if (!shown) return shown.error();
    if (!status || bind_.is_writable) return status;
    // defence: input-user-whom-builds
    if (jail().leasable.contains(shown->st_uid)) return leasable_input(bind_, shown->st_uid);
    return {};
  }

 private:
  const Bind& bind_;
  const OutputLease* lease_;
  MountIds& ids_;
};

}  // namespace buildjail
