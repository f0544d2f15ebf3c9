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
  Nullfs(SessionJail& jail, const Bind& bind, const OutputLease* lease, NullfsIds& ids)
      : Mount(jail, bind.target), bind_(bind), lease_(lease), ids_(ids) {}

  /** ESTALE when the source is another one than was planned, or was held while it was mounted. */
  Status make(Trace&) override {
    UniqueFd pinned;
    if (lease_ == nullptr) {
      auto source = pin_source(bind_);
      if (!source) return std::move(source.error());
      pinned = std::move(*source);
    }
    auto options = file_system("nullfs", path(), bind_.source);
    // A socket of the host that lies in an input must not be a way out (mount_nullfs(8)).
    options.add_flag("nounixbypass");
    // As in Mount::mount.
    options.add_flag("nocover");
    options.add_errmsg();
    const int flags = MNT_NOSUID | (bind_.is_writable ? 0 : MNT_RDONLY);
    if (auto status = nmount_options(options, flags, "nmount", bind_.source); !status) {
      status.error().dest = bind_.target;
      return status;
    }
    const auto device = verify_mounted(bind_, lease_ == nullptr ? pinned.get() : lease_->directory(), path());
    // Whatever it shows, it is ours to take away.
    auto status = take(device ? ids_.at(path(), *device) : fsid_at(path()));
    return device ? status : Status(device.error());
  }

 private:
  const Bind& bind_;
  const OutputLease* lease_;
  NullfsIds& ids_;
};

}  // namespace buildjail
