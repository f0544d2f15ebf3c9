#include "freebsd/iovec_list.h"

#include <cstring>
#include <utility>

namespace buildjail {

namespace {
// As in jail(3) and mount(8).
constexpr std::size_t kErrmsgSize = 255;
}  // namespace

void IovecList::add_flag(std::string_view name) { add(name, {}, 0); }

void IovecList::add_string(std::string_view name, std::string_view value) {
  // The NUL belongs to the value: both calls check for it (nmount(2), jail(2)).
  add(name, std::string(value), value.size() + 1);
}

void IovecList::add_int(std::string_view name, int value) { add_bytes(name, std::as_bytes(std::span(&value, 1))); }

void IovecList::add_buffer(std::string_view name, std::size_t size) { add(name, std::string(size, '\0'), size); }

void IovecList::add_bytes(std::string_view name, std::span<const std::byte> value) {
  std::string bytes(value.size(), '\0');
  if (!value.empty()) std::memcpy(bytes.data(), value.data(), value.size());
  add(name, std::move(bytes), value.size());
}

void IovecList::add_errmsg() {
  errmsg_ = iovecs_.size() / 2;
  add_buffer("errmsg", kErrmsgSize);
}

std::span<const std::byte> IovecList::value(std::size_t index) const {
  const iovec& entry = iovecs_.at(index * 2 + 1);
  return {static_cast<const std::byte*>(entry.iov_base), entry.iov_base == nullptr ? 0 : entry.iov_len};
}

std::string IovecList::errmsg() const {
  if (iovecs_.empty() || errmsg_ * 2 + 1 >= iovecs_.size()) return {};
  const iovec& entry = iovecs_.at(errmsg_ * 2 + 1);
  const auto* text = static_cast<const char*>(entry.iov_base);
  return {text, ::strnlen(text, kErrmsgSize)};
}

SysError IovecList::error(std::string step, std::string syscall, std::string path) const {
  auto error = last_error(std::move(step), std::move(syscall), std::move(path));
  error.detail = errmsg();
  return error;
}

void IovecList::add(std::string_view name, std::string value, std::size_t size) {
  std::string& kept_name = storage_.emplace_back(name);
  iovecs_.push_back({.iov_base = kept_name.data(), .iov_len = kept_name.size() + 1});
  if (size == 0) {
    iovecs_.push_back({.iov_base = nullptr, .iov_len = 0});
    return;
  }
  std::string& kept_value = storage_.emplace_back(std::move(value));
  iovecs_.push_back({.iov_base = kept_value.data(), .iov_len = size});
}

}  // namespace buildjail
