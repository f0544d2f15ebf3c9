#include "freebsd/session_jail.h"

#include <cerrno>
#include <utility>

#include "base/back_off.h"
#include "freebsd/holders.h"
#include "freebsd/unread.h"

namespace buildjail {

namespace {

constexpr std::chrono::milliseconds kReapBound{10000};
constexpr std::chrono::milliseconds kDieBound{2000};

SysError still_there(const char* step, const char* syscall, int err, std::string detail, std::vector<Holder> holders) {
  if (!holders.empty()) detail += ", " + held_by(holders);
  return {.step = step,
          .syscall = syscall,
          .err = err,
          .path = {},
          .dest = {},
          .detail = std::move(detail),
          .holders = std::move(holders)};
}

}  // namespace

Status SessionJail::end_processes(Trace& trace) {
  if (!jail || is_empty) return {};
  if (!jail->is_removed()) {
    if (auto status = jail->remove(); !status) return status;
    trace.mark("jail_remove", jail->name());
  }
  if (wait_reaped) {
    if (!wait_reaped(kReapBound))
      return still_there("reap", "wait4", ETIMEDOUT, "a killed command did not end", processes_in_jail(jail->jid()));
    trace.mark("reap");
  }
  if (auto status = jail->wait_empty(); !status) {
    SysError& error = status.error();
    return still_there("empty-jail", "jail_remove", error.err, error.detail, processes_in_jail(jail->jid()));
  }
  trace.mark("empty-jail");
  is_empty = true;
  return {};
}

void SessionJail::drop_unread() {
  for (const auto& one : sockets) {
    // defence: build-sends-over-output
    if (const auto socket = one.lock()) buildjail::drop_unread(socket->get());
  }
  sockets.clear();
}

Status SessionJail::see_die() {
  if (network) {
    drop_unread();
    network.reset();
    return {};
  }
  if (!is_root_forced) return {};
  auto holders = holders_of_dying_jail(user);
  // The kernel is done with it in a minute or two, and until then it takes nothing but a number (tcp(4), TIME_WAIT).
  if (holders.processes.empty() && holders.has_ending_connection) return {};
  drop_unread();
  BackOff back_off(kDieBound);
  while (is_known()) {
    if (back_off.wait()) continue;
    return still_there("jail-dying", "jail_remove", EBUSY, "a descriptor that was opened in the jail is still open",
                       std::move(holders.processes));
  }
  return {};
}

}  // namespace buildjail
