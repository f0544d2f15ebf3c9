#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "envelope/part.h"
#include "freebsd/iovec_list.h"
#include "freebsd/session_jail.h"

namespace buildjail {

/** Something mounted in the root, or the root itself. It goes by unmounting it; by FSID, which no path can mislead. */
class Mount : public Part {
 public:
  /** One of a dead session, as the kernel lists it. */
  Mount(SessionJail& jail, std::string path, std::string fsid);

  [[nodiscard]] std::string_view step() const override { return "nmount"; }
  [[nodiscard]] std::string_view target() const override { return target_; }
  Status make(Trace&) override { return {}; }
  Status take_away(TakingAway& taking) override;
  /** Where it is mounted. */
  [[nodiscard]] std::string_view place() const override { return path_; }

 protected:
  /** To be mounted at `target`, which outlives it. */
  Mount(SessionJail& jail, std::string_view target);

  /** nmount(2), and the FSID of what came of it. */
  Status mount(IovecList options, int flags);
  /** What was just mounted is to be taken away by this. Where its FSID is not known it goes by its path, at once. */
  Status take(Result<std::string> fsid);
  /** Tries again for as long as it is busy and `wait` says so. An error says who holds it. */
  Status unmount(Trace& trace, const std::function<bool()>& wait);

  [[nodiscard]] SessionJail& jail() const noexcept { return jail_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /** Empty while nothing is mounted. */
  [[nodiscard]] const std::string& fsid() const noexcept { return fsid_; }
  void forget(Trace& trace, const char* step);

 private:
  SessionJail& jail_;
  std::string_view target_;
  std::string path_;
  std::string fsid_;
};

}  // namespace buildjail
