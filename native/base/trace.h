#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace buildjail {

/** A finished step and its duration. */
struct TraceEntry {
  std::string step;
  std::string path;
  std::int64_t ns;
};

/** Records steps one after the other. The duration of a step begins at the end of the one before. */
class Trace {
 public:
  void mark(std::string step, std::string path = {}) {
    const auto now = Clock::now();
    entries_.push_back({std::move(step), std::move(path), std::chrono::nanoseconds(now - last_).count()});
    last_ = now;
  }
  /** Adds a step that was timed elsewhere. */
  void add(std::string step, std::string path, std::int64_t ns) {
    entries_.push_back({std::move(step), std::move(path), ns});
    last_ = Clock::now();
  }
  /** Leaves the time until now out of the next step. */
  void resume() { last_ = Clock::now(); }
  [[nodiscard]] const std::vector<TraceEntry>& entries() const noexcept { return entries_; }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point last_ = Clock::now();
  std::vector<TraceEntry> entries_;
};

}  // namespace buildjail
