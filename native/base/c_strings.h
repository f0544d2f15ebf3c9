#pragma once

#include <string>
#include <vector>

namespace buildjail {

/** The null-terminated array of C strings that execve(2) takes, over strings that outlive it. */
class CStrings {
 public:
  explicit CStrings(std::vector<std::string>& strings) {
    pointers_.reserve(strings.size() + 1);
    for (auto& string : strings) pointers_.push_back(string.data());
    pointers_.push_back(nullptr);
  }
  [[nodiscard]] char* const* data() const noexcept { return pointers_.data(); }

 private:
  std::vector<char*> pointers_;
};

}  // namespace buildjail
