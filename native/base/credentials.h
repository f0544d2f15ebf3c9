#pragma once

#include <sys/types.h>

#include <optional>
#include <vector>

namespace buildjail {

/** Who a process is, as the kernel says. */
struct Credentials {
  pid_t pid;
  uid_t uid, real_uid, saved_uid;
  gid_t gid, real_gid, saved_gid;
  std::vector<gid_t> groups;
  /** FreeBSD: the jail it is in. */
  std::optional<int> jid;
  /** Linux: how many filters judge its system calls, those of the host program among them. */
  std::optional<int> system_call_filters;
};

}  // namespace buildjail
