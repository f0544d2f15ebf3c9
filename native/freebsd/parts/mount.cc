#include "freebsd/parts/mount.h"

#include <cerrno>
#include <chrono>

#include "base/tolerated.h"
#include "freebsd/processes.h"

namespace buildjail {

namespace {

constexpr std::chrono::milliseconds kUnreadBound{200};
constexpr std::string_view kRoot = "/";

}  // namespace

Mount::Mount(SessionJail& jail, std::string path, std::string fsid)
    : jail_(jail), path_(std::move(path)), fsid_(std::move(fsid)) {}

Mount::Mount(SessionJail& jail, std::string_view target)
    : jail_(jail), target_(target), path_(target == kRoot ? jail.root : jail.root + std::string(target)) {}

Status Mount::mount(IovecList options, int flags, int shown) {
  // We mount nothing twice in one place. A mount that is there is not ours to cover (mount(8)).
  options.add_flag("nocover");
  auto status = nmount_options(options, flags, "nmount", std::string(target_));
  return status ? take(fsid_at(path_, shown)) : status;
}

Status Mount::take(Result<std::string> fsid) {
  if (!fsid) {
    static_cast<void>(unmount_target(path_, 0));
    return std::move(fsid.error());
  }
  fsid_ = std::move(*fsid);
  return {};
}

Status Mount::take_away(TakingAway& taking) {
  const auto wait_briefly = [back_off = BackOff(kUnreadBound)]() mutable { return back_off.wait(); };
  if (!jail_.sockets.empty()) {
    if (unmount(taking, wait_briefly)) return {};
    jail_.drop_unread();
  }
  return unmount(taking, [&taking] { return taking.wait_while_busy(); });
}

Status Mount::unmount(TakingAway& taking, const std::function<bool()>& wait) {
  if (fsid_.empty()) return {};
  const Tolerated tolerated("it is tried again", EBUSY);
  auto status = unmount_target(fsid_, 0);
  while (!status && status.error().err == EBUSY && wait()) status = unmount_target(fsid_, 0);
  // ENOENT: another program unmounted it.
  if (status || status.error().err == ENOENT) {
    forget(taking, "unmount");
    return {};
  }
  SysError error = std::move(status.error());
  error.path = path_;
  if (error.err != EBUSY) return error;
  error.holders = holders_of_mount(fsid_, path_, jail_.root);
  error.detail = error.holders.empty() ? "no process is seen to hold it" : held_by(error.holders);
  return error;
}

void Mount::forget(TakingAway& taking, const char* step) {
  taking.trace.mark(step, path_);
  taking.taken.unmounted.push_back(path_);
  fsid_.clear();
}

}  // namespace buildjail
