#include "freebsd/set_limits.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

namespace buildjail {

namespace {

// rlim_t is signed.
rlim_t as_limit(std::uint64_t value) {
  return static_cast<rlim_t>(std::min(value, static_cast<std::uint64_t>(std::numeric_limits<rlim_t>::max() - 1)));
}

}  // namespace

Result<SetLimits> SetLimits::of(const CommandLimits& limits) {
  SetLimits set;
  for (std::size_t i = 0; i < kRlimits.size(); ++i) {
    if (limits.of_processes.at(i) == 0) continue;
    const rlim_t most = as_limit(limits.of_processes.at(i));
    const auto hard = most + static_cast<rlim_t>(kRlimits.at(i).grace);
    if (auto status = set.add(kRlimits.at(i).resource, most, hard); !status) return std::move(status.error());
  }
  return set;
}

Status SetLimits::add(int resource, rlim_t most, rlim_t hard) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) return last_error("setrlimit", "getrlimit");
  limit.rlim_max = std::min(limit.rlim_max, hard);
  limit.rlim_cur = std::min(limit.rlim_max, most);
  bounds_.push_back({.resource = resource, .limit = limit});
  return {};
}

int SetLimits::call() const {
  for (const Bound& bound : bounds_) {
    if (::setrlimit(bound.resource, &bound.limit) != 0) return -1;
  }
  return 0;
}

}  // namespace buildjail
