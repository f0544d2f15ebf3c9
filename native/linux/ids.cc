#include "linux/ids.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "state/files.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "ids";
/** In /etc/subuid an administrator can give ids to this package by this name. */
constexpr std::string_view kOwnName = "buildjail";
/** Many times the sessions that run at once, because a range is not used again soon. */
constexpr std::uint64_t kMostRanges = 4096;
/** An interval with fewer ranges is used only if there is no larger one. */
constexpr std::uint64_t kEnoughRanges = 256;

/** Ids from `begin` up to `end`, without that one; an id has 32 bits, and the end after the last one 33. */
struct IdInterval {
  std::uint64_t begin;
  std::uint64_t end;
};

/** Sorted, and with gaps between them. */
using IdIntervals = std::vector<IdInterval>;

/** Where ids of sessions are looked for, and how many one session gets there. */
struct UsualIds {
  IdInterval in;
  std::uint64_t each;
};

// Hosts use the lower ids: subordinate ids begin at 100,000 (subuid(5)), sssd-ad(5) numbers users up to 2,000,200,000,
// and systemd-nspawn(1) takes ids below that for its containers, without a word in /etc/subuid. From 2,147,352,576 on
// are those of files that systemd shows as foreign. A container may have fewer ids: then those above its users, and at
// last those below the ones that systemd uses itself.
// defence: ids-above-others
constexpr std::array<UsualIds, 3> kUsual = {{
    {.in = {.begin = 2'000'200'000, .end = 2'147'352'576}, .each = IdRanges::kFull},
    {.in = {.begin = 600'000'000, .end = 2'000'200'000}, .each = IdRanges::kFull},
    {.in = {.begin = 36'864, .end = 60'000}, .each = IdRanges::kFew},
}};

IdInterval interval(std::uint64_t begin, std::uint64_t count) { return {.begin = begin, .end = begin + count}; }

/** The part of the intervals that lies within the other. */
IdIntervals within(const IdIntervals& intervals, const IdInterval& other) {
  IdIntervals left;
  for (const auto& [begin, end] : intervals) {
    const IdInterval part{.begin = std::max(begin, other.begin), .end = std::min(end, other.end)};
    if (part.begin < part.end) left.push_back(part);
  }
  return left;
}

IdIntervals without(const IdIntervals& intervals, const IdInterval& other) {
  constexpr std::uint64_t kEnd = std::uint64_t{1} << 33;
  IdIntervals left = within(intervals, IdInterval{.begin = 0, .end = other.begin});
  for (const IdInterval& part : within(intervals, IdInterval{.begin = other.end, .end = kEnd})) left.push_back(part);
  return left;
}

Result<IdIntervals> mapped_in(const char* path) {
  auto map = read_map(kStep, path);
  if (!map) return std::move(map.error());
  IdIntervals mapped;
  for (const IdExtent& extent : *map) mapped.push_back(interval(extent.inside, extent.count));
  return mapped;
}

/** The ids that this process can map. */
Result<IdIntervals> mapped_here() {
  auto uids = mapped_in("/proc/self/uid_map");
  if (!uids) return uids;
  auto gids = mapped_in("/proc/self/gid_map");
  if (!gids) return gids;
  IdIntervals both;
  for (const IdInterval& gid : *gids) {
    for (const IdInterval& part : within(*uids, gid)) both.push_back(part);
  }
  std::ranges::sort(both, {}, &IdInterval::begin);
  return both;
}

/** Ids of an owner that subuid(5) names. */
using SubordinateIds = std::pair<std::string, IdInterval>;

/** The ids that the file gives to others. A line is `name:first:count`; other lines are ignored, as by all readers. */
Result<std::vector<SubordinateIds>> read_subordinate_ids(const char* path) {
  const auto text = read_text_file(kStep, path);
  std::vector<SubordinateIds> all;
  if (!text && text.error().err == ENOENT) return all;
  if (!text) return text.error();
  for (std::string_view rest = *text; !rest.empty();) {
    std::string_view line = cut(rest, '\n');
    const std::string_view owner = cut(line, ':');
    std::uint64_t first = 0;
    std::uint64_t count = 0;
    if (!read_number(cut(line, ':'), first) || !read_number(line, count) || owner == kOwnName) continue;
    all.emplace_back(owner, interval(first, count));
  }
  return all;
}

/** The longest row of whole ranges of that size, or the first that is long enough. */
IdRanges ranges_in(const IdIntervals& free, std::uint32_t size) {
  IdRanges found{.size = size};
  for (const auto& [begin, end] : free) {
    const std::uint64_t first = (begin + size - 1) / size;
    const std::uint64_t last = end / size;
    if (last <= first || last - first <= found.count) continue;
    found.first = static_cast<std::uint32_t>(first);
    found.count = static_cast<std::uint32_t>(std::min(last - first, kMostRanges));
    if (found.count >= kEnoughRanges) break;
  }
  return found;
}

std::string span_text(const IdInterval& ids) { return std::to_string(ids.begin) + "-" + std::to_string(ids.end - 1); }

SysError refused(const char* path, std::string detail) {
  return {.step = kStep, .syscall = "open", .err = EINVAL, .path = path, .detail = std::move(detail)};
}

/** Follows the ids that an error names. */
constexpr const char* kNoBlock =
    " hold no 32 ids in a row that begin at a multiple of 32, as a session needs them: name 63 ids or more, which "
    "/etc/subuid and /etc/subgid give to nobody but 'buildjail' (subuid(5))";

std::vector<IdExtent> extents_onto(std::uint32_t first, std::uint32_t size, const std::set<std::uint32_t>& needed) {
  if (needed.size() > size) return {};
  // Each needed id beyond the first ids takes the place of one of them.
  std::uint32_t first_count = size;
  const auto beyond = [&] { return std::distance(needed.lower_bound(first_count), needed.end()); };
  while (first_count + beyond() > size) --first_count;
  std::vector<IdExtent> map;
  if (first_count > 0) map.push_back({.inside = 0, .outside = first, .count = first_count});
  std::uint32_t outside = first + first_count;
  for (auto id = needed.lower_bound(first_count); id != needed.end(); ++id)
    map.push_back({.inside = *id, .outside = outside++, .count = 1});
  return map;
}

}  // namespace

BuildUser IdMap::outside(const BuildUser& inside) const {
  // An id that is not mapped owns nothing: chown(2) to -1 changes no owner.
  constexpr auto kNone = static_cast<std::uint32_t>(-1);
  return {.uid = outside_of(uids, inside.uid).value_or(kNone),
          .gid = outside_of(gids, inside.gid).value_or(kNone),
          .groups = {}};
}

IdMap map_onto(const IdRanges& ranges, std::uint32_t number, const BuildUser& user) {
  const std::uint32_t first = number * ranges.size;
  std::set<std::uint32_t> groups(user.groups.begin(), user.groups.end());
  groups.insert({0, user.gid});
  IdMap map{.uids = extents_onto(first, ranges.size, {0, user.uid}), .gids = extents_onto(first, ranges.size, groups)};
  return map.uids.empty() || map.gids.empty() ? IdMap() : map;
}

IdMap map_one(const BuildUser& user, uid_t uid, gid_t gid) {
  return {.uids = {{.inside = user.uid, .outside = uid, .count = 1}},
          .gids = {{.inside = user.gid, .outside = gid, .count = 1}}};
}

std::string map_text(const std::vector<IdExtent>& map) {
  std::string text;
  for (const auto& [inside, outside, count] : map)
    text += std::to_string(inside) + " " + std::to_string(outside) + " " + std::to_string(count) + "\n";
  return text;
}

Result<std::vector<IdExtent>> read_map(const char* step, const std::string& path) {
  const auto text = read_text_file(step, path);
  if (!text) return text.error();
  std::vector<IdExtent> map;
  for (std::string_view rest = *text; !rest.empty();) {
    const auto line = numbers_in(cut(rest, '\n'));
    if (line.size() == 3) map.push_back({.inside = line[0], .outside = line[1], .count = line[2]});
  }
  return map;
}

Result<std::optional<IdRanges>> find_id_ranges(const std::optional<IdsNamed>& named) {
  auto mapped = mapped_here();
  if (!mapped) return std::move(mapped.error());
  IdIntervals free = std::move(*mapped);
  if (named) {
    const IdInterval wanted = interval(named->first, named->count);
    free = within(free, wanted);
    std::uint64_t count = 0;
    for (const auto& [begin, end] : free) count += end - begin;
    if (count < named->count)
      return refused("/proc/self/uid_map",
                     "the ids " + span_text(wanted) + " are not all mapped where this process is");
  }
  for (const char* path : {"/etc/subuid", "/etc/subgid"}) {
    const auto subordinate = read_subordinate_ids(path);
    if (!subordinate) return subordinate.error();
    for (const auto& [who, given] : *subordinate) {
      // defence: ids-named-given-others
      if (named && !within(free, given).empty())
        return refused(path, span_text(given) + " are '" + who + "'s, so ids of sessions cannot be among them");
      // defence: ids-given-others-no
      free = without(free, given);
    }
  }
  for (const auto& [in, each] : kUsual) {
    const IdRanges found = ranges_in(named ? free : within(free, in), each);
    if (found.count > 0) return std::optional(found);
  }
  if (named) return refused("", "the ids " + span_text(interval(named->first, named->count)) + kNoBlock);
  return std::optional<IdRanges>();
}

bool has_callers_id_only() {
  // The map of a namespace is written once (user_namespaces(7)), and this is asked for each command.
  static const bool has_one_id = [] {
    const auto mapped = mapped_in("/proc/self/uid_map");
    return mapped && mapped->size() == 1 && mapped->front().end - mapped->front().begin == 1;
  }();
  return ::geteuid() != 0 || has_one_id;
}

}  // namespace buildjail
