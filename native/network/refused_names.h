#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "network/awaited.h"
#include "network/network_event.h"

namespace buildjail {

/** The names that a session was refused. Each is reported at once the first time, and later with a count. */
class RefusedNames {
 public:
  using Clock = Awaited::Clock;

  /** Of one session; all others are told of as one with an empty name. */
  static constexpr std::size_t kMost = 1000;

  void add(const std::string& name, std::string_view outcome, Clock::time_point now) {
    // defence: refused-names-bounded
    const bool is_kept = names_.size() < kMost || names_.contains(name);
    Refusal& refusal = names_[is_kept ? name : std::string()];
    refusal.outcome = outcome;
    refusal.untold += 1;
    if (refusal.is_told) {
      if (!untold_since_) untold_since_ = now;
      return;
    }
    refusal.is_told = true;
    tell(is_kept ? name : std::string(), refusal);
  }

  void await(Awaited& awaited) const {
    if (untold_since_) awaited.add(*untold_since_ + kInterval);
  }
  /** The events to report now; `all`: also those of an interval that is not over. */
  std::vector<NetworkEvent> take(Clock::time_point now, bool all = false) {
    if (untold_since_ && (all || now >= *untold_since_ + kInterval)) {
      for (auto& [name, refusal] : names_) {
        if (refusal.untold > 0) tell(name, refusal);
      }
      untold_since_.reset();
    }
    return std::exchange(events_, {});
  }

 private:
  static constexpr std::chrono::seconds kInterval{1};

  struct Refusal {
    std::string_view outcome;
    std::uint64_t untold = 0;
    bool is_told = false;
  };

  void tell(const std::string& name, Refusal& refusal) {
    events_.push_back({.kind = NetworkEvent::Kind::kRefused,
                       .name = name,
                       .outcome = refusal.outcome,
                       .count = std::exchange(refusal.untold, 0)});
  }

  std::map<std::string, Refusal> names_;
  std::vector<NetworkEvent> events_;
  std::optional<Clock::time_point> untold_since_;
};

}  // namespace buildjail
