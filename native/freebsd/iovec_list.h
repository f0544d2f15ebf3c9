#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace buildjail {

/** The pairs of name and value that jail_set(2) and nmount(2) take, with their memory. */
class IovecList {
 public:
  /** A name without a value. */
  void add_flag(std::string_view name) { add(name, {}); }
  void add_string(std::string_view name, std::string_view value) {
    // The NUL belongs to the value: both calls check for it (nmount(2), jail(2)).
    add(name, std::string(value) + '\0');
  }
  void add_int(std::string_view name, int value) { add_bytes(name, std::as_bytes(std::span(&value, 1))); }
  /** A value that the kernel writes: `size` zero bytes. An empty one asks for the size. */
  void add_buffer(std::string_view name, std::size_t size) { add(name, std::string(size, '\0')); }
  void add_bytes(std::string_view name, std::span<const std::byte> value) {
    std::string bytes(value.size(), '\0');
    std::ranges::transform(value, bytes.begin(), [](std::byte one) { return static_cast<char>(one); });
    add(name, std::move(bytes));
  }
  /** Adds, once, a buffer into which both calls write an explanation of an errno. */
  void add_errmsg() {
    if (errmsg_ != kNone) return;
    errmsg_ = iovecs_.size() / 2;
    add_buffer("errmsg", kErrmsgSize);
  }

  /** Makes a call of this kind, with a buffer for its explanation. */
  int call(int (*function)(iovec*, unsigned, int), int flags) {
    add_errmsg();
    return function(data(), size(), flags);
  }

  [[nodiscard]] iovec* data() noexcept { return iovecs_.data(); }
  [[nodiscard]] unsigned size() const noexcept { return static_cast<unsigned>(iovecs_.size()); }

  // The value of the pair at `index`, after the call.

  [[nodiscard]] std::span<const std::byte> value(std::size_t index) const {
    const iovec& entry = iovecs_.at(index * 2 + 1);
    return {static_cast<const std::byte*>(entry.iov_base), entry.iov_base == nullptr ? 0 : entry.iov_len};
  }
  [[nodiscard]] int number(std::size_t index) const {
    int number = 0;
    std::memcpy(&number, value(index).data(), sizeof(number));
    return number;
  }
  [[nodiscard]] std::string text(std::size_t index) const {
    const auto* const text = reinterpret_cast<const char*>(value(index).data());
    return {text, ::strnlen(text, value(index).size())};
  }

  /** The kernel's explanation, or empty. */
  [[nodiscard]] std::string errmsg() const { return errmsg_ == kNone ? std::string() : text(errmsg_); }
  /** As last_error(), with the kernel's explanation. */
  [[nodiscard]] SysError error(std::string step, std::string syscall, std::string path = {}) const {
    auto error = last_error(std::move(step), std::move(syscall), std::move(path));
    error.detail = errmsg();
    return error;
  }

 private:
  static constexpr std::size_t kNone = -1;
  /** As in jail(3) and mount(8). */
  static constexpr std::size_t kErrmsgSize = 255;

  void add(std::string_view name, std::string value) {
    std::string& kept_name = storage_.emplace_back(name);
    iovecs_.push_back({.iov_base = kept_name.data(), .iov_len = kept_name.size() + 1});
    std::string& kept_value = storage_.emplace_back(std::move(value));
    iovecs_.push_back({.iov_base = kept_value.empty() ? nullptr : kept_value.data(), .iov_len = kept_value.size()});
  }

  std::vector<iovec> iovecs_;
  // A deque, because its elements do not move when it grows.
  std::deque<std::string> storage_;
  std::size_t errmsg_ = kNone;
};

}  // namespace buildjail
