#include "freebsd/session_jail.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/user.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <ranges>
#include <span>
#include <string_view>
#include <utility>

#include "base/back_off.h"
#include "base/tolerated.h"
#include "freebsd/mounts.h"
#include "freebsd/processes.h"
#include "freebsd/sysctl.h"
#include "state/recovery.h"

namespace buildjail {

namespace {

/** After this time it is checked what the processes are doing. */
constexpr std::chrono::milliseconds kPromptBound{2000};
constexpr std::chrono::milliseconds kEndBound{10000};
/**
 * The time until a check whether a process has to be killed again. A process that closes a terminal with unread output
 * goes on to the next one with each signal, and may have 128 of them.
 */
constexpr std::chrono::milliseconds kLookBound{20};
constexpr std::chrono::milliseconds kDieBound{2000};
/** The bound for a second wait. The end of a program must not take long because of a jail that it still has. */
constexpr std::chrono::milliseconds kDieAgainBound{200};

SysError still_there(const char* step, const char* syscall, int err, std::string detail, std::vector<Holder> holders) {
  if (!holders.empty()) detail += ", " + held_by(holders);
  return {.step = step, .syscall = syscall, .err = err, .detail = std::move(detail), .holders = std::move(holders)};
}

/** Drops the unread messages of a socket, with their descriptors (unix(4), SCM_RIGHTS), and those that would come. */
void drop_unread_of(int socket) {
  if (::shutdown(socket, SHUT_RD) == 0) return;
  // It drops nothing where the other end is gone (shutdown(2), ENOTCONN), from which nothing more comes. A recv(2) that
  // does not ask for descriptors drops them.
  std::array<std::byte, 65536> unread;  // NOLINT(cppcoreguidelines-pro-type-member-init): written to only
  // NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection): MSG_DONTWAIT
  while (::recv(socket, unread.data(), unread.size(), MSG_DONTWAIT) > 0) {
  }
}

}  // namespace

Status SessionJail::end_processes(TakingAway& taking) {
  if (!jail || is_empty) return {};
  if (!jail->is_removed()) {
    if (auto status = jail->remove(); !status) return status;
    taking.trace.mark("jail_remove", jail->name());
    taking.taken.jail = jail->name();
  }
  auto status = wait_ended(taking, kPromptBound);
  if (!status) {
    end_allocations(taking);
    status = wait_ended(taking, kEndBound);
  }
  is_empty = static_cast<bool>(status);
  // Also if a process is left. It can connect to nothing more.
  if (const auto end = std::exchange(end_names, {})) end();
  return status;
}

Status SessionJail::wait_ended(TakingAway& taking, std::chrono::milliseconds bound) const {
  if (wait_reaped) {
    BackOff back_off(bound);
    while (!wait_reaped(kLookBound)) {
      jail->kill_again();
      if (!back_off.wait())
        return still_there("reap", "wait4", ETIMEDOUT, "a killed command did not end", processes_in_jail(jail->jid()));
    }
    taking.trace.mark("reap");
  }
  if (auto status = jail->wait_empty(bound); !status) {
    SysError& error = status.error();
    return still_there(kUnended, "jail_remove", error.err, error.detail, processes_in_jail(jail->jid()));
  }
  taking.trace.mark(kUnended);
  return {};
}

/**
 * posix_fallocate(2) looks at no signal before all is allocated (vn_fallocate), but it fails where its file is on no
 * mount any more. A forced unmount(2) of nullfs loses nothing, because what was written is in the folder below.
 *
 * It is not done while a process reads or writes a file, maybe as endlessly: unmount(2) would wait for its vnode.
 */
void SessionJail::end_allocations(TakingAway& taking) const {
  const Tolerated tolerated("a process that goes on is reported, and waited for again");
  const auto calls = calls_in_jail(jail->jid());
  if (!calls.allocates_file || calls.moves_file) return;
  auto mounts = mount_table();
  if (!mounts) return;
  for (const MountEntry& mount : std::views::reverse(*mounts)) {
    const bool is_output = mount.type == "nullfs" && std::ranges::find(mount.flags, "ro") == mount.flags.end();
    if (!is_output || !mount.on.starts_with(root + "/")) continue;
    // defence: endless-allocation-ends
    if (unmount_target(mount.fsid, MNT_FORCE)) taking.trace.mark("unmount-forced", mount.on);
  }
}

void SessionJail::drop_unread() {
  for (const auto& one : sockets) {
    // defence: build-sends-over-output
    if (const auto socket = one.lock()) drop_unread_of(socket->get());
  }
  sockets.clear();
}

void SessionJail::remove_shared_memory() const {
  const Tolerated tolerated("shared memory that is left keeps the jail dying, which is waited for");
  const auto answer = read_sysctl("kern.ipc.posix_shm_list");
  if (!answer) return;
  const std::string below = root + "/";
  for (const auto& object : records_of<kinfo_file, int>(std::span<const std::byte>(*answer))) {
    if (std::string_view(object.kf_path).starts_with(below)) static_cast<void>(::shm_unlink(object.kf_path));
  }
}

Status SessionJail::see_die() {
  if (network) {
    drop_unread();
    network.reset();
    return {};
  }
  if (!is_root_forced) return {};
  auto holders = holders_of_dying_jail(user.uid);
  // The kernel is done with it in a minute or two, and until then it takes nothing but a number (tcp(4), TIME_WAIT).
  if (holders.processes.empty() && holders.has_ending_connection) return {};
  drop_unread();
  BackOff back_off(std::exchange(is_waited_for, true) ? kDieAgainBound : kDieBound);
  while (is_known()) {
    if (back_off.wait()) continue;
    std::string detail = "a descriptor that was opened in the jail is still open";
    // The kernel forgets the credentials of a process whose fcntl(2) F_SETOWN fails, and never lets go of them (fsetown
    // in sys/kern/kern_descrip.c).
    if (holders.processes.empty())
      detail += ", or a failed F_SETOWN (fcntl(2)) keeps the jail until the host is booted";
    return still_there("jail-dying", "jail_remove", EBUSY, std::move(detail), std::move(holders.processes));
  }
  return {};
}

}  // namespace buildjail
