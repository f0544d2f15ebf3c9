#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plan/limits.h"
#include "plan/plan.h"

namespace buildjail {

struct Ending;

/** The credentials of a process, as the kernel reports them. */
struct Credentials {
  pid_t pid;
  uid_t uid, real_uid, saved_uid;
  gid_t gid, real_gid, saved_gid;
  std::vector<gid_t> groups;
  /** FreeBSD: the jail it is in. */
  std::optional<int> jid;
  /** Linux: the number of seccomp filters on it, including those of the host program. */
  std::optional<int> system_call_filters;
};

/** A line of a user namespace's map: `count` ids from `inside` map to those from `outside` (user_namespaces(7)). */
struct IdExtent {
  std::uint32_t inside;
  std::uint32_t outside;
  std::uint32_t count;
  bool operator==(const IdExtent&) const = default;
};

/** Maps an id of one side to the other; nothing for an id that is not mapped. */
template <std::uint32_t IdExtent::* kFrom, std::uint32_t IdExtent::* kTo>
std::optional<std::uint32_t> mapped(std::span<const IdExtent> map, std::uint32_t id) {
  for (const IdExtent& one : map) {
    if (id >= one.*kFrom && id - one.*kFrom < one.count) return one.*kTo + (id - one.*kFrom);
  }
  return std::nullopt;
}

inline constexpr auto outside_of = mapped<&IdExtent::inside, &IdExtent::outside>;
inline constexpr auto inside_of = mapped<&IdExtent::outside, &IdExtent::inside>;

/** What all processes of a session have used together; empty for counts that the system does not keep. */
struct SessionUsage {
  /** User and system time in microseconds, including processes that have ended. */
  std::optional<std::uint64_t> cpu_us;
  /** In bytes. */
  std::optional<std::uint64_t> memory, peak_memory, swap;
  std::optional<std::uint64_t> processes, peak_processes;
  /** In bytes, from and to devices. */
  std::optional<std::uint64_t> bytes_read, bytes_written;
  /** The kernel's means of counting: `cgroup v2`, `cgroup v1`, `rctl`. Empty if nothing is counted. */
  std::string by;
};

/** A process of a session. */
struct SessionProcess {
  pid_t pid = 0;
  pid_t parent = 0;
  /** Its name in the kernel, as ps(1) shows it. */
  std::string program;
  /** Since it began, in microseconds. */
  std::uint64_t age_us = 0;
  /** User and system time, with that of the children that it has waited for, in microseconds. */
  std::uint64_t cpu_us = 0;
  /** Resident, in bytes. */
  std::uint64_t memory = 0;
};

/** How often processes of a session have met a limit. Counts only grow. */
struct LimitsMet {
  /** Processes that were killed because memory was used up. */
  std::uint64_t memory = 0;
  std::uint64_t swap = 0;
  /** Processes that could not be started. */
  std::uint64_t processes = 0;
};

/** A limit that is enforced, and by what: `memory.max`, `rctl`, ... */
struct AppliedLimit {
  Limit limit;
  /** In the limit's unit, as it was asked of the kernel. */
  std::uint64_t value = 0;
  std::string by;
};

/**
 * The limit that ended a failed command, if it can be known. Takes the exit status of a shell for the signal of its
 * last program (sh(1), 128 + n). `before` and `after` are the counts of the session at the launch and at the end.
 */
std::optional<Limit> ended_by(const Ending& ending, const CommandLimits& limits, const LimitsMet& before,
                              const LimitsMet& after);

/** One line of the mount table. */
struct MountEntry {
  std::string type;
  std::string from;
  std::string on;
  /** For unmount(2): `FSID:0:1`. Empty if the system has no such id. */
  std::string fsid;
  std::vector<std::string> flags;
};

/** A kind (`mnt`, `pid`, ...) and the number that tells two of the kind apart. */
using NamespaceEntry = std::pair<std::string, std::uint64_t>;

/** A parameter of a jail (jail(2)), as the kernel gives it. */
struct JailValue {
  std::string name;
  /** As JailParameter has it. */
  std::string_view type;
  std::vector<std::byte> bytes;
};

/** The kernel's own report of an envelope. */
struct Record {
  std::string root;
  /** FreeBSD: every parameter of the jail. */
  std::vector<JailValue> jail{};
  std::vector<MountEntry> mounts{};
  /** Linux: its namespaces. */
  std::vector<NamespaceEntry> namespaces{};
  /** Linux: the maps from ids inside to ids of the host. */
  std::vector<IdExtent> uids{}, gids{};
  /** Linux: where the outputs are that need no hand-over (OutputLease::is_mapped). */
  std::vector<std::string> mapped_outputs{};
  /** FreeBSD: the build user, by the ids of the host. */
  std::optional<BuildUser> user{};
  /** The credentials of a command, by the ids inside. */
  std::optional<Credentials> process{};
  /** The limits of the plan that are enforced. */
  std::vector<AppliedLimit> limits{};
};

}  // namespace buildjail
