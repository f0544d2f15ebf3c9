#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

namespace buildjail {

/** Waits that grow from 50 microseconds to 5 milliseconds, until a bound on their sum is reached. */
class BackOff {
 public:
  explicit BackOff(std::chrono::milliseconds bound) : deadline_(Clock::now() + bound) {}

  /** Waits once. False, without waiting, when the bound is reached. */
  bool wait() {
    if (Clock::now() >= deadline_) return false;
    std::this_thread::sleep_for(next_);
    next_ = std::min(next_ * 2, kLongest);
    return true;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::microseconds kLongest{5000};
  Clock::time_point deadline_;
  std::chrono::microseconds next_{50};
};

}  // namespace buildjail
