#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace buildjail {

/** How much of the inputs is copied. */
struct Copied {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

/**
 * The copying of inputs while a session is opened. One thread copies; others look at how far it is, and stop it. All
 * copies of the object are one.
 */
class Copying {
 public:
  void stop() const noexcept { state_->is_stopped = true; }
  [[nodiscard]] bool is_stopped() const noexcept { return state_->is_stopped; }

  void add_file() const noexcept { state_->files += 1; }
  void add_bytes(std::uint64_t count) const noexcept { state_->bytes += count; }
  [[nodiscard]] Copied so_far() const noexcept { return {.files = state_->files, .bytes = state_->bytes}; }

 private:
  struct State {
    std::atomic<bool> is_stopped = false;
    std::atomic<std::uint64_t> files = 0;
    std::atomic<std::uint64_t> bytes = 0;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace buildjail
