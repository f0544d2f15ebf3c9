#pragma once

#include <algorithm>
#include <initializer_list>

namespace buildjail {

/** Whether the result of a look is uncertain. The call is then recorded as lost. */
class Doubt {
 public:
  /**
   * Notes a failed look. An errno in `told` says what is there. Any other says, for example, that this process has no
   * memory or no descriptor left.
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
