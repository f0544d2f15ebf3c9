#include "freebsd/set_limits.h"

#include <algorithm>
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
  Status status;
  if (limits.cpu_time) {
    const rlim_t seconds = as_limit(*limits.cpu_time);
    status = set.add(RLIMIT_CPU, seconds, seconds + 1);
  }
  if (status && limits.open_files)
    status = set.add(RLIMIT_NOFILE, as_limit(*limits.open_files), as_limit(*limits.open_files));
  if (status && limits.file_size)
    status = set.add(RLIMIT_FSIZE, as_limit(*limits.file_size), as_limit(*limits.file_size));
  if (!status) return std::move(status.error());
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
