#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace buildjail {

/** Ids from `begin` up to `end`, that one not included; an id has 32 bits, and the end after the last one 33. */
struct IdInterval {
  std::uint64_t begin;
  std::uint64_t end;
};

/** In order, and apart from each other. */
using IdIntervals = std::vector<IdInterval>;

/** What is in both. */
inline IdIntervals within(const IdIntervals& intervals, const IdInterval& other) {
  IdIntervals left;
  for (const auto& [begin, end] : intervals) {
    const IdInterval part{.begin = std::max(begin, other.begin), .end = std::min(end, other.end)};
    if (part.begin < part.end) left.push_back(part);
  }
  return left;
}

inline IdIntervals within(const IdIntervals& intervals, const IdIntervals& others) {
  IdIntervals left;
  for (const IdInterval& other : others) {
    for (const IdInterval& part : within(intervals, other)) left.push_back(part);
  }
  std::ranges::sort(left, {}, &IdInterval::begin);
  return left;
}

inline IdIntervals without(const IdIntervals& intervals, const IdInterval& other) {
  constexpr std::uint64_t kEnd = std::uint64_t{1} << 33;
  IdIntervals left = within(intervals, IdInterval{.begin = 0, .end = other.begin});
  for (const IdInterval& part : within(intervals, IdInterval{.begin = other.end, .end = kEnd})) left.push_back(part);
  return left;
}

}  // namespace buildjail
