#include "linux/id_ranges.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "base/text.h"
#include "base/unique_fd.h"
#include "linux/id_intervals.h"
#include "state/locked_file.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "ids";
/** Who administers this host may give ids to this package by that name. */
constexpr std::string_view kOwnName = "buildjail";
/** As many as may be wanted at once, many times over: a range is not used again at once. */
constexpr std::uint64_t kMost = 4096;
/** With fewer ranges, another place is looked for. */
constexpr std::uint64_t kEnough = 256;

// Not from the first id on that could be: those of subuid(5) begin at 100,000 and users of directories have greater
// ones. Up to what fits in 31 bits, as there are programs that take an id for a signed number.
constexpr IdInterval kUsual{.begin = 600'000'000, .end = std::uint64_t{1} << 31};
/** Where only the ids of one container are mapped: above its users, and below what systemd has for itself. */
constexpr IdInterval kUsualFew{.begin = 36'864, .end = 60'000};

struct Given {
  std::string who;
  IdInterval ids;
};

IdInterval interval(std::uint64_t begin, std::uint64_t count) { return {.begin = begin, .end = begin + count}; }

// A line is `name:first:count` (subuid(5)). What is none is passed over, as it is by those who read these files.
Result<std::vector<Given>> read_given(const char* path) {
  const UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
  std::vector<Given> given;
  if (!file && errno == ENOENT) return given;
  if (!file) return last_error(kStep, "open", path);
  const auto text = read_file(kStep, path, file.get());
  if (!text) return text.error();
  for (std::string_view rest = *text; !rest.empty();) {
    std::string_view line = cut(rest, '\n');
    const std::string_view who = cut(line, ':');
    std::uint64_t first = 0;
    std::uint64_t count = 0;
    if (!read_number(cut(line, ':'), first) || !read_number(line, count) || who == kOwnName) continue;
    given.push_back({.who = std::string(who), .ids = interval(first, count)});
  }
  return given;
}

Result<IdIntervals> mapped_in(const char* path) {
  auto map = read_map(kStep, path);
  if (!map) return std::move(map.error());
  IdIntervals mapped;
  for (const IdExtent& extent : *map) mapped.push_back(interval(extent.inside, extent.count));
  return mapped;
}

/** What this process can map. */
Result<IdIntervals> mapped_here() {
  auto uids = mapped_in("/proc/self/uid_map");
  if (!uids) return uids;
  auto gids = mapped_in("/proc/self/gid_map");
  if (!gids) return gids;
  return within(*uids, *gids);
}

/** The longest row of whole ranges, or the first that is long enough. */
IdRanges ranges_in(const IdIntervals& free, std::uint32_t size) {
  IdRanges found{.size = size};
  for (const auto& [begin, end] : free) {
    const std::uint64_t first = (begin + size - 1) / size;
    const std::uint64_t last = end / size;
    if (last <= first || last - first <= found.count) continue;
    found.first = static_cast<std::uint32_t>(first);
    found.count = static_cast<std::uint32_t>(std::min(last - first, kMost));
    if (found.count >= kEnough) break;
  }
  return found;
}

std::optional<IdRanges> some_in(const IdIntervals& free, std::initializer_list<std::uint32_t> sizes) {
  for (const std::uint32_t size : sizes) {
    if (const IdRanges found = ranges_in(free, size); found.count > 0) return found;
  }
  return std::nullopt;
}

std::string span_text(const IdInterval& ids) { return std::to_string(ids.begin) + "-" + std::to_string(ids.end - 1); }

SysError refused(const char* path, std::string detail) {
  return {.step = kStep, .syscall = "open", .err = EINVAL, .path = path, .dest = {}, .detail = std::move(detail)};
}

}  // namespace

Result<std::optional<IdRanges>> find_id_ranges(const std::optional<IdsNamed>& named) {
  auto mapped = mapped_here();
  if (!mapped) return std::move(mapped.error());
  IdIntervals free = std::move(*mapped);
  if (named) {
    const IdInterval wanted = interval(named->first, named->count);
    const std::string ids = "the ids " + span_text(wanted);
    free = within(free, wanted);
    std::uint64_t had = 0;
    for (const auto& [begin, end] : free) had += end - begin;
    if (had < named->count) return refused("/proc/self/uid_map", ids + " are not all mapped where this process is");
  }
  for (const char* path : {"/etc/subuid", "/etc/subgid"}) {
    const auto all = read_given(path);
    if (!all) return all.error();
    for (const auto& [who, given] : *all) {
      // defence: ids-named-given-others
      if (named && !within(free, given).empty())
        return refused(path, span_text(given) + " are '" + who + "'s, so ids of sessions cannot be among them");
      // defence: ids-given-others-no
      free = without(free, given);
    }
  }
  if (named) {
    auto found = some_in(free, {IdRanges::kFull, IdRanges::kFew});
    if (!found) return refused("", "there is no multiple of 32 from which on 32 ids are named");
    return found;
  }
  auto found = some_in(within(free, kUsual), {IdRanges::kFull});
  if (!found) found = some_in(within(free, kUsualFew), {IdRanges::kFew});
  return found;
}

bool has_one_id() {
  // Asked for each command, and the map of a namespace is written once (user_namespaces(7)).
  static const bool is_one = [] {
    const auto mapped = mapped_in("/proc/self/uid_map");
    return mapped && mapped->size() == 1 && mapped->front().end - mapped->front().begin == 1;
  }();
  return is_one;
}

}  // namespace buildjail
