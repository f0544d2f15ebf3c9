#pragma once

#include <sys/types.h>

#include <cerrno>
#include <new>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace buildjail {

/** A process, or another object, that keeps something from being taken away. */
struct Holder {
  /** `open-file`, `cwd`, ...: HolderKind of src/errors.ts. */
  std::string kind;
  /** 0 for a holder that is no process. */
  pid_t pid = 0;
  std::string command;
  /** The path on the host of the thing that is held; empty if it has no path. */
  std::string path;
  /** The system call that a process which does not end is in; empty if that is not known. */
  std::string call{};
};

/** `held by pid 812 (vi): cwd /a; pid 9 (sh): open file /a/log`: names the first few. Empty without holders. */
[[nodiscard]] std::string held_by(const std::vector<Holder>& holders);

/** The one error type of native code: a system call that failed, with its step, its errno and its object. */
struct SysError {
  std::string step;
  std::string syscall;
  int err = 0;
  std::string path{};
  std::string dest{};
  /** A message of the kernel, or our own explanation. */
  std::string detail{};
  /** The limit that cannot be held, by its name in a spec. */
  std::string limit{};
  /** What a person can do about it, where that is known. */
  std::string remedy{};
  /** The known holders of something that could not be taken away. */
  std::vector<Holder> holders{};
};

/** The error of the call that has just failed. Reads errno, so nothing may come in between. */
[[nodiscard]] SysError last_error(std::string step, std::string syscall, std::string path = {});

/** The name of an errno (`ENOENT`) on this system. */
[[nodiscard]] std::string errno_name(int err);

/** strerror(3) without its shared buffer. */
[[nodiscard]] std::string errno_text(int err);

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
class [[nodiscard]] Result<void> : public Result<std::monostate> {
 public:
  Result() : Result<std::monostate>(std::monostate()) {}
  using Result<std::monostate>::Result;
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
