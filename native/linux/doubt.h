#pragma once

#include <algorithm>
#include <initializer_list>

namespace buildjail {

/** Whether what a call finds is not certain. Then the call is told as lost. */
class Doubt {
 public:
  /**
   * A look of this process failed. `told`: the errnos that say what is there; others say that this process has no
   * memory or no descriptor left, for example.
   */
  void note(int err, std::initializer_list<int> told) {
    if (std::ranges::find(told, err) == told.end()) lose();
  }
  void lose() { is_any_ = true; }
  [[nodiscard]] bool is_any() const { return is_any_; }

 private:
  bool is_any_ = false;
};

}  // namespace buildjail
