#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

namespace buildjail {

/** How much a command may write to stdout and stderr together. Whoever reads of it says so here. Any thread. */
class OutputBudget {
 public:
  /** `exceeded` is called once, on the thread that read too much, and must not wait. */
  OutputBudget(std::uint64_t most, std::function<void()> exceeded) : most_(most), exceeded_(std::move(exceeded)) {}

  /** How many of them are within it. */
  std::size_t spend(std::size_t bytes) {
    const std::uint64_t before = spent_.fetch_add(bytes);
    if (before > most_) return 0;
    const std::uint64_t left = most_ - before;
    if (bytes <= left) return bytes;
    // defence: command-writes-too-much
    exceeded_();
    return static_cast<std::size_t>(left);
  }

 private:
  std::uint64_t most_;
  std::atomic<std::uint64_t> spent_ = 0;
  std::function<void()> exceeded_;
};

/** Null where nobody counts. */
using SharedOutputBudget = std::shared_ptr<OutputBudget>;

}  // namespace buildjail
