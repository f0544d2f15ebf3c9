#include "linux/id_map.h"

#include <fcntl.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "base/text.h"
#include "state/locked_file.h"

namespace buildjail {

namespace {

std::vector<IdExtent> extents_onto(const IdRange& range, const std::set<std::uint32_t>& needed) {
  if (needed.size() > range.size) return {};
  // One less for the first ids for each needed one that is not among them.
  std::uint32_t first_count = range.size;
  const auto beyond = [&] { return std::distance(needed.lower_bound(first_count), needed.end()); };
  while (first_count + beyond() > range.size) --first_count;
  std::vector<IdExtent> map;
  if (first_count > 0) map.push_back({.inside = 0, .outside = range.first, .count = first_count});
  std::uint32_t outside = range.first + first_count;
  for (auto id = needed.lower_bound(first_count); id != needed.end(); ++id)
    map.push_back({.inside = *id, .outside = outside++, .count = 1});
  return map;
}

std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  return cut(line, ' ');
}

}  // namespace

BuildUser IdMap::root_outside() const { return outside({.uid = 0, .gid = 0, .groups = {}}); }

BuildUser IdMap::outside(const BuildUser& inside) const {
  // What is not mapped cannot be owned either: chown(2) of -1 leaves it as it is.
  constexpr auto kNone = static_cast<std::uint32_t>(-1);
  return {.uid = outside_of(uids, inside.uid).value_or(kNone),
          .gid = outside_of(gids, inside.gid).value_or(kNone),
          .groups = {}};
}

IdMap map_onto(const IdRange& range, const BuildUser& user) {
  std::set<std::uint32_t> groups(user.groups.begin(), user.groups.end());
  groups.insert({0, user.gid});
  IdMap map{.uids = extents_onto(range, {0, user.uid}), .gids = extents_onto(range, groups)};
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
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return last_error(step, "open", path);
  const auto text = read_file(step, path, file.get());
  if (!text) return text.error();
  std::vector<IdExtent> map;
  for (std::string_view rest = *text; !rest.empty();) {
    std::string_view line = cut(rest, '\n');
    IdExtent extent{};
    if (read_number(next_word(line), extent.inside) && read_number(next_word(line), extent.outside) &&
        read_number(next_word(line), extent.count))
      map.push_back(extent);
  }
  return map;
}

}  // namespace buildjail
