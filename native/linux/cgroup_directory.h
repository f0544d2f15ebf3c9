#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "envelope/part.h"
#include "state/fact.h"

namespace buildjail {

/** What a journal calls it. */
inline constexpr const char* kCgroup = "cgroup";

/** The name of the directory of a session's cgroup, in each hierarchy in which it has one. */
std::string cgroup_name(const std::string& id);

/**
 * Of version 2, what is in the session's cgroup is one below it. Its limits are files of the one above, which nobody
 * inside can see: a cgroup namespace begins with the cgroup of who makes it (cgroup_namespaces(7)).
 */
std::string cgroup_of_processes(const std::string& directory, bool is_unified);

/** That a session has it. The walk notes it before it is made. */
Fact cgroup_fact(const std::string& directory);

/**
 * Waits while somebody in it has not ended yet, and kills who is left, where the kernel can (cgroups(7), cgroup.kill).
 * What is not there is removed already.
 */
Status remove_cgroup(const std::string& directory, TakingAway& taking);

/** Whether it is a directory of a cgroup file system, and of that name. */
bool is_cgroup_of(const std::string& id, const std::string& directory);

}  // namespace buildjail
