#include "envelope/part_list.h"

#include <algorithm>
#include <cerrno>

#include "envelope/part.h"

namespace buildjail {

const OutputLease* Opening::lease_of(const Bind& bind) const {
  const auto found = std::ranges::find(leases, &bind, &OutputLease::bind);
  return found == leases.end() ? nullptr : *found;
}

SysError not_noted_by_us(const std::string& detail) {
  return {.step = "recover", .syscall = "read", .err = EINVAL, .path = {}, .dest = {}, .detail = detail};
}

std::vector<SysError> take_away_left(Parts parts, Outcome& outcome) {
  Walk walk(std::move(parts));
  auto [trace, failures, taken] = walk.take_away();
  walk.leave();
  RecoveredSession& recovered = *outcome.recovered;
  recovered.jail = std::move(taken.jail);
  recovered.unmounted = std::move(taken.unmounted);
  recovered.handed_back = std::move(taken.handed_back);
  recovered.lost = std::move(taken.lost);
  for (auto& [path, what] : taken.left_in_outputs)
    outcome.leftovers.push_back({std::move(path), "a build left it with what cannot be taken away: " + what});
  return std::move(failures);
}

}  // namespace buildjail
