#pragma once

#include <array>
#include <charconv>
#include <string_view>

namespace buildjail {

/**
 * Linux: the name that /proc has for a descriptor. It leads to the very file that the descriptor has, whatever its kind
 * and wherever it is by now: no path is looked up (proc_pid_fd(5)). For calls that take no descriptor of O_PATH.
 */
class DescriptorPath {
 public:
  explicit DescriptorPath(int fd) noexcept {
    char* const digits = kFolder.copy(text_.data(), kFolder.size()) + text_.data();
    *std::to_chars(digits, text_.data() + text_.size() - 1, fd).ptr = '\0';
  }
  [[nodiscard]] const char* get() const noexcept { return text_.data(); }

 private:
  static constexpr std::string_view kFolder = "/proc/self/fd/";
  std::array<char, 32> text_{};
};

}  // namespace buildjail
