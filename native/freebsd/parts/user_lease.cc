#include "freebsd/parts/user_lease.h"

#include "freebsd/processes.h"

namespace buildjail {

namespace {

/** Nobody of ours is this user now, so whoever is could reach into a build that became it. */
Result<std::string> objection_to(std::uint32_t uid) {
  const auto process = process_of_user(uid);
  if (!process) return process.error();
  // defence: no-process-host-user
  if (!*process) return std::string();
  const auto& [pid, command, jid, tracer] = **process;
  return "is the user of pid " + std::to_string(pid) + " (" + command + "), which is none of a session's";
}

}  // namespace

Status UserLease::make(Trace&) {
  user_ = plan_.user;
  NumberedThings users{.step = "user-lease",
                       .name = "user",
                       .plural = "build users",
                       .first = plan_.user.uid,
                       .count = plan_.users,
                       .objection = objection_to};
  // Root is nobody's alone.
  // defence: build-user-spec-names
  const bool is_leased = plan_.user.uid != 0;
  if (plan_.users == 0 && !is_leased) return {};
  auto lease =
      plan_.users == 0 ? NumberedLease::share(users, plan_.user.uid, lessee_) : NumberedLease::take(users, lessee_);
  if (!lease) return std::move(lease.error());
  lease_ = std::move(*lease);
  user_.uid = lease_.number();
  return {};
}

}  // namespace buildjail
