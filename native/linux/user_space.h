#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/id_map.h"

namespace buildjail {

/**
 * A user namespace with nobody in it, to be joined by setns(2). It belongs to the caller, so that the kernel takes who
 * joins it for no more privileged than before. Comes from CAP_SETUID and CAP_SETGID, as more than one id is mapped.
 */
Result<UniqueFd> make_user_space(const IdMap& map);

/**
 * For a child that is in the user namespace of a session: bounds what that takes of what all processes of the host's
 * user have together, who made it (namespaces(7), /proc/sys/user). `settings` is the directory of them on the host;
 * they are those of the namespace of who opens their files. Nothing is bounded where that may not be written to, as in
 * most containers.
 */
void bound_what_users_share(int settings);
inline constexpr const char* kSettingsOfUsers = "/proc/sys/user";

}  // namespace buildjail
