#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace buildjail {

/** The pairs of name and value that jail_set(2) and nmount(2) take, with their memory. */
class IovecList {
 public:
  /** A name without a value. */
  void add_flag(std::string_view name);
  void add_string(std::string_view name, std::string_view value);
  void add_int(std::string_view name, int value);
  /** A value that the kernel writes: `size` zero bytes. An empty one asks for the size. */
  void add_buffer(std::string_view name, std::size_t size);
  void add_bytes(std::string_view name, std::span<const std::byte> value);
  /** The buffer into which both calls write an explanation of an errno. */
  void add_errmsg();

  [[nodiscard]] iovec* data() noexcept { return iovecs_.data(); }
  [[nodiscard]] unsigned size() const noexcept { return static_cast<unsigned>(iovecs_.size()); }
  /** The value of the pair at `index`, after the call. */
  [[nodiscard]] std::span<const std::byte> value(std::size_t index) const;
  /** The kernel's explanation, or empty. */
  [[nodiscard]] std::string errmsg() const;
  /** As last_error(), with the kernel's explanation. */
  [[nodiscard]] SysError error(std::string step, std::string syscall, std::string path = {}) const;

 private:
  void add(std::string_view name, std::string value, std::size_t size);

  std::vector<iovec> iovecs_;
  // A deque, because its elements do not move when it grows.
  std::deque<std::string> storage_;
  std::size_t errmsg_ = 0;
};

}  // namespace buildjail
