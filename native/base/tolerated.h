#pragma once

namespace buildjail {

#ifdef BUILDJAIL_FAULTS

/**
 * Marks calls whose failure the code around them tolerates: those that are made while this exists. The reason says why
 * that takes nothing from the session. `npm run test:faults` reads it: any other call that fails must end in an error
 * that names it. This exists in that build only; every other one compiles it to nothing.
 */
class Tolerated {
 public:
  /** An errno that no call has: nothing is tolerated. */
  static constexpr int kNone = -1;

  /** With `err`, only this errno is tolerated. */
  explicit Tolerated(const char* reason, int err = 0) : reason_(reason), err_(err), outer_(innermost) {
    innermost = this;
  }
  Tolerated& operator=(Tolerated&&) = delete;
  ~Tolerated() { innermost = outer_; }

  /** The reason for which this thread, or a child that shares its memory, tolerates that errno; null if it does not. */
  static const char* reason_for(int err) {
    const Tolerated* mark = innermost;
    while (mark != nullptr && mark->err_ != 0 && mark->err_ != err) mark = mark->outer_;
    return mark == nullptr ? nullptr : mark->reason_;
  }

 private:
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): the calls of a thread are marked
  static inline constinit thread_local const Tolerated* innermost = nullptr;
  const char* reason_;
  int err_;
  const Tolerated* outer_;
};

#else

class [[maybe_unused]] Tolerated {
 public:
  static constexpr int kNone = -1;
  explicit constexpr Tolerated(const char*, int = 0) {}
};

#endif

}  // namespace buildjail
