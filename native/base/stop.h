#pragma once

#include <atomic>
#include <memory>

namespace buildjail {

/** Asked for by one thread, and heeded by another that does something long. All copies are one. */
class Stop {
 public:
  void ask() const noexcept { *is_asked_ = true; }
  [[nodiscard]] bool is_asked() const noexcept { return *is_asked_; }

 private:
  std::shared_ptr<std::atomic<bool>> is_asked_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace buildjail
