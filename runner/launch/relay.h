#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace buildjail::launch {

/** What waits to be written to a descriptor that others have as well, so that it is not made non-blocking. */
class Relay {
 public:
  explicit Relay(int fd) : fd_(fd) {}

  [[nodiscard]] int descriptor() const { return fd_; }
  [[nodiscard]] bool is_empty() const { return waiting_.empty(); }
  void add(std::string_view bytes) { waiting_ += bytes; }
  /** To be called when poll(2) has found room. @returns how many bytes are off our hands, also where nobody takes them
   */
  std::size_t write();

 private:
  int fd_;
  std::string waiting_;
};

}  // namespace buildjail::launch
