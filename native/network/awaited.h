#pragma once

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace buildjail {

/** What the network thread waits for: descriptors (poll(2)) and a time. Made anew for each wait. */
class Awaited {
 public:
  using Clock = std::chrono::steady_clock;
  using Place = std::size_t;

  /** Nothing was awaited. */
  static constexpr Place kNowhere = static_cast<Place>(-1);

  void clear() {
    descriptors_.clear();
    until_ = Clock::time_point::max();
  }
  Place add(int fd, int events) {
    descriptors_.push_back({.fd = fd, .events = static_cast<short>(events), .revents = 0});
    return descriptors_.size() - 1;
  }
  void add(Clock::time_point time) { until_ = std::min(until_, time); }

  [[nodiscard]] int happened(Place place) const { return place == kNowhere ? 0 : descriptors_.at(place).revents; }
  /** False if the wait failed. */
  bool wait(Clock::time_point now) {
    constexpr std::chrono::milliseconds kLongest{60'000};
    const auto left =
        until_ == Clock::time_point::max() ? kLongest : std::chrono::ceil<std::chrono::milliseconds>(until_ - now);
    const auto bound = std::clamp(left, std::chrono::milliseconds(0), kLongest);
    return ::poll(descriptors_.data(), static_cast<nfds_t>(descriptors_.size()), static_cast<int>(bound.count())) >= 0;
  }

 private:
  std::vector<pollfd> descriptors_;
  Clock::time_point until_ = Clock::time_point::max();
};

}  // namespace buildjail
