#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace buildjail {

/** A line of a user namespace's map: `count` ids from `inside` on are those from `outside` on (user_namespaces(7)). */
struct IdExtent {
  std::uint32_t inside;
  std::uint32_t outside;
  std::uint32_t count;
  bool operator==(const IdExtent&) const = default;
};

/** Nothing where it is not mapped. */
inline std::optional<std::uint32_t> outside_of(std::span<const IdExtent> map, std::uint32_t id) {
  for (const auto& [inside, outside, count] : map) {
    if (id >= inside && id - inside < count) return outside + (id - inside);
  }
  return std::nullopt;
}

/** The other way round. */
inline std::optional<std::uint32_t> inside_of(std::span<const IdExtent> map, std::uint32_t id) {
  for (const auto& [inside, outside, count] : map) {
    if (id >= outside && id - outside < count) return inside + (id - outside);
  }
  return std::nullopt;
}

}  // namespace buildjail
