#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "envelope/part.h"
#include "freebsd/iovec_list.h"
#include "freebsd/mounts.h"
#include "freebsd/session_jail.h"

namespace buildjail {

/** A mount in the root, or the root itself. It is unmounted by its FSID, so that no path can lead elsewhere. */
class Mount : public Part {
 public:
  /** Of a dead session, as the kernel lists it. */
  Mount(SessionJail& jail, std::string path, std::string fsid);

  [[nodiscard]] std::string_view step() const override { return "nmount"; }
  [[nodiscard]] std::string_view target() const override { return target_; }
  Status take_away(TakingAway& taking) override;
  /** Where it is mounted. */
  [[nodiscard]] std::string_view place() const override { return path_; }

 protected:
  /** To be mounted at `target`, which outlives it. */
  Mount(SessionJail& jail, std::string_view target);

  /** nmount(2), and a look at the FSID and at whether the kernel has given the flags `shown`. */
  Status mount(IovecList options, int flags, int shown);
  Status mount(IovecList options, int flags) { return mount(std::move(options), flags, flags); }
  /** Keeps the FSID of the new mount. If it is not known, the mount is unmounted by its path at once. */
  Status take(Result<std::string> fsid);
  /** Tries again while the mount is busy and `wait` is true. An EBUSY names the holders. */
  Status unmount(TakingAway& taking, const std::function<bool()>& wait);

  [[nodiscard]] SessionJail& jail() const noexcept { return jail_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /** Empty while nothing is mounted. */
  [[nodiscard]] const std::string& fsid() const noexcept { return fsid_; }
  void forget(TakingAway& taking, const char* step);

 private:
  SessionJail& jail_;
  std::string_view target_;
  std::string path_;
  std::string fsid_;
};

}  // namespace buildjail
