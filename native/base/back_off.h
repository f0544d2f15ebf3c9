#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

namespace buildjail {

/** Repeated waits that grow from 50 microseconds to `longest`, until the time `bound` is over. */
class BackOff {
 public:
  explicit BackOff(std::chrono::milliseconds bound, std::chrono::microseconds longest = std::chrono::microseconds{5000})
      : deadline_(Clock::now() + bound), longest_(longest) {}

  /** Waits once. Returns false, without waiting, when the bound is reached. */
  bool wait() {
    if (Clock::now() >= deadline_) return false;
    std::this_thread::sleep_for(next_);
    next_ = std::min(next_ * 2, longest_);
    return true;
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point deadline_;
  std::chrono::microseconds longest_;
  std::chrono::microseconds next_{50};
};

}  // namespace buildjail
