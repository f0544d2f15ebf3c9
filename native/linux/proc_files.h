#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "envelope/record.h"

namespace buildjail {

// What the kernel says in /proc.

/** Who a process is, a zombie too, in the host's numbering; nothing where that is not told. */
std::optional<Credentials> credentials_of(pid_t pid);

/** A line of ps(1). */
struct ProcessStatus {
  std::string command;
  /** Who debugs it (ptrace(2)); 0 where nobody does. */
  pid_t tracer;
};

/** Nothing where there is no such process. */
std::optional<ProcessStatus> status_of(pid_t pid);

/** Its parent; nothing where there is no such process. */
std::optional<pid_t> parent_of(pid_t pid);

/** Of the process that a pidfd of ours is of (pidfd_open(2)); nothing when that is over. */
std::optional<pid_t> pid_of_descriptor(int pidfd);

/** Every process that /proc shows, in the host's numbering. */
std::vector<pid_t> list_processes();

/** The number of the process namespace that a process is in, a zombie too. */
std::optional<std::uint64_t> pid_namespace_of(pid_t pid);

/**
 * The mounts that a process sees, each at its place below `root`. What is bound is said to be from its path on the
 * host, where the host has its file system mounted.
 */
Result<std::vector<MountEntry>> mounts_of(pid_t pid, const std::string& root);

/** A file system of cgroups that this process sees mounted. */
struct CgroupMount {
  /** `cgroup` or `cgroup2`. */
  std::string type;
  std::string on;
  /** The cgroup that is shown there. */
  std::string root;
  /** Those of the file system; of version 1 the controllers are among them. */
  std::string options;
};

Result<std::vector<CgroupMount>> cgroup_mounts();

/** What a process has used. */
struct ProcessTimes {
  /** In microseconds; its own, and that of children that it has waited for. */
  std::uint64_t own_us;
  std::uint64_t waited_us;
};

/** Nothing where there is no such process. */
std::optional<ProcessTimes> times_of(pid_t pid);

/** The namespaces that a process is in, by kind (`mnt`, `pid`, ...) and number. */
Result<std::vector<NamespaceEntry>> namespaces_of(pid_t pid);

}  // namespace buildjail
