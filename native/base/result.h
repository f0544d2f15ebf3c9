#pragma once

#include <cerrno>
#include <new>
#include <optional>
#include <system_error>
#include <utility>
#include <variant>

#include "base/sys_error.h"

namespace buildjail {

/** A value, or the error that prevented it. */
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : held_(std::in_place_index<0>, std::move(value)) {}         // NOLINT(google-explicit-constructor)
  Result(SysError error) : held_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const noexcept { return held_.index() == 0; }
  T& operator*() & { return std::get<0>(held_); }
  const T& operator*() const& { return std::get<0>(held_); }
  T&& operator*() && { return std::get<0>(std::move(held_)); }
  T* operator->() { return &std::get<0>(held_); }
  const T* operator->() const { return &std::get<0>(held_); }
  SysError& error() { return std::get<1>(held_); }
  const SysError& error() const { return std::get<1>(held_); }

 private:
  std::variant<T, SysError> held_;
};

/** Success, or an error. */
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(SysError error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const noexcept { return !error_.has_value(); }
  SysError& error() { return *error_; }
  const SysError& error() const { return *error_; }

 private:
  std::optional<SysError> error_;
};

using Status = Result<void>;

/** Returns the Result of `work`. Exceptions for lack of memory or of threads become an error of `step`. */
template <class Work>
auto caught(const char* step, Work&& work) -> decltype(work()) {
  const auto error = [step](const char* syscall, int err) {
    return SysError{.step = step, .syscall = syscall, .err = err};
  };
  try {
    return work();
  } catch (const std::system_error& thrown) {
    return error("pthread_create", thrown.code().value());
  } catch (const std::bad_alloc&) {
    return error("malloc", ENOMEM);
  }
}

}  // namespace buildjail
