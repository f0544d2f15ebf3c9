#pragma once

#include <sys/param.h>
#include <sys/cpuset.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "envelope/part.h"
#include "freebsd/opening.h"
#include "freebsd/session_jail.h"

namespace buildjail {

/**
 * Which processors the jail may use (cpuset(2)). What runs in it sees no others, and root of it cannot have more
 * (cpuset_modify). They go with the jail.
 */
class Processors final : public Part {
 public:
  /** Both outlive it. There need not be so many. */
  Processors(const SessionJail& jail, const std::string& id, std::uint64_t count)
      : jail_(jail), id_(id), count_(count) {}
  static void add_planned(const JailOpening& opening, Parts& parts) {
    // defence: limits-session-many-processors
    if (!opening.is_rest && opening.limits.processors > 0)
      parts.push_back(std::make_unique<Processors>(opening.jail, opening.lessee.session.id, opening.limits.processors));
  }

  [[nodiscard]] std::string_view step() const override { return "cpuset"; }

  Status make(Trace&) override {
    const int jid = jail_.jail->jid();
    cpuset_t all{};
    if (::cpuset_getaffinity(CPU_LEVEL_WHICH, CPU_WHICH_JAIL, jid, sizeof(all), &all) != 0)
      return last_error({}, "cpuset_getaffinity");
    const cpuset_t some = some_of(all);
    return ::cpuset_setaffinity(CPU_LEVEL_WHICH, CPU_WHICH_JAIL, jid, sizeof(some), &some) == 0
               ? Status()
               : last_error({}, "cpuset_setaffinity");
  }

 private:
  /** Neighbours, as they share most; the first is anywhere, so that sessions do not crowd on the same ones. */
  [[nodiscard]] cpuset_t some_of(const cpuset_t& all) const {
    std::vector<std::size_t> there;
    for (std::size_t one = 0; one < CPU_SETSIZE; ++one) {
      if (CPU_ISSET(one, &all)) there.push_back(one);
    }
    cpuset_t some{};
    const std::size_t first = std::hash<std::string>{}(id_);
    const std::size_t count = std::min<std::uint64_t>(count_, there.size());
    for (std::size_t at = 0; at < count; ++at) CPU_SET(there.at((first % there.size() + at) % there.size()), &some);
    return some;
  }

  const SessionJail& jail_;
  const std::string& id_;
  std::uint64_t count_;
};

}  // namespace buildjail
