#include "freebsd/parts/nullfs.h"

#include <sys/param.h>
#include <sys/mount.h>

#include <string>

#include "freebsd/mounted_source.h"
#include "plan/planned_source.h"

namespace buildjail {

Status Nullfs::make(Trace&) {
  UniqueFd pinned;
  if (lease_ == nullptr) {
    auto source = pin_source(bind_);
    if (!source) return std::move(source.error());
    pinned = std::move(*source);
  }
  IovecList options;
  options.add_string("fstype", "nullfs");
  options.add_string("fspath", path());
  options.add_string("from", bind_.source);
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

}  // namespace buildjail
