#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace buildjail {

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

/** Maps an id of the inside to the outside; nothing for an id that is not mapped. */
inline std::optional<std::uint32_t> outside_of(std::span<const IdExtent> map, std::uint32_t id) {
  for (const auto& [inside, outside, count] : map) {
    if (id >= inside && id - inside < count) return outside + (id - inside);
  }
  return std::nullopt;
}

/** Maps an id of the outside to the inside; nothing for an id that is not mapped. */
inline std::optional<std::uint32_t> inside_of(std::span<const IdExtent> map, std::uint32_t id) {
  for (const auto& [inside, outside, count] : map) {
    if (id >= outside && id - outside < count) return inside + (id - outside);
  }
  return std::nullopt;
}

/** The user ids of the host that belong to a build while its session lives. */
struct BuildIds {
  uid_t first = 0;
  std::uint64_t count = 1;
  /** Other files may have these ids too. Then only files made or changed in the session count as the build's. */
  bool are_shared = true;

  [[nodiscard]] bool contains(uid_t uid) const noexcept { return uid >= first && uid - first < count; }
};

}  // namespace buildjail
