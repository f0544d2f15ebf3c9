#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace buildjail {

/** The name and value pairs of jail_set(2) and nmount(2), with the storage behind them. */
class IovecList {
 public:
  /** A name without a value: its presence says it all. */
  void add_flag(std::string_view name);
  void add_string(std::string_view name, std::string_view value);
  void add_int(std::string_view name, int value);
  /** A value the kernel writes to: `size` zero bytes. An empty one is a question for the size. */
  void add_buffer(std::string_view name, std::size_t size);
  void add_bytes(std::string_view name, std::span<const std::byte> value);
  /** The buffer in which both calls explain an errno. */
  void add_errmsg();

  [[nodiscard]] iovec* data() noexcept { return iovecs_.data(); }
  [[nodiscard]] unsigned size() const noexcept { return static_cast<unsigned>(iovecs_.size()); }
  /** The value of the pair at `index`, as the kernel left it. */
  [[nodiscard]] std::span<const std::byte> value(std::size_t index) const;
  /** What the kernel explained; empty where it did not. */
  [[nodiscard]] std::string errmsg() const;

 private:
  void add(std::string_view name, std::string value, std::size_t size);

  std::vector<iovec> iovecs_;
  // A deque, as its elements stay where they are while it grows.
  std::deque<std::string> storage_;
  std::size_t errmsg_ = 0;
};

}  // namespace buildjail
