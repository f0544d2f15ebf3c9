#pragma once

#include <sys/mman.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

// The tests' own build of the addon can be told to let a system call fail, be left out, or be the last one. It is the
// same sources, linked so that each call goes through a wrapper (ld(1), --wrap) which asks here first. What is wrapped
// is listed in calls.inc and its neighbours; wrap-flags.mjs makes the linker's flags of it.
//
// For a wrapper that does something else: add an Action, do it in `around`, and give it a word in controls.cc. What
// depends on the arguments (an option of nmount(2), say) is to be done there as well, by the arguments' words: they are
// what the wrapped call then gets.

namespace buildjail::faults {

enum class Action : std::uint8_t {
  kNone,
  /** The call is not made, and said to have failed with `err`. */
  kFail,
  /** The host program is killed, just before the call. */
  kKill,
  /** The call is not made, and said to have been done. */
  kSkip,
  /** The call is made without some bits of an argument. */
  kMask,
};

/** A thread of the addon's own, which works for no program of the tests. */
enum class OwnThread : std::uint8_t {
  kNone,
  /** Of the networks of names. */
  kNetworks,
  /** Of the calls of a session that wait for an answer (linux/call_notices.h). */
  kNotices,
};

/** The longest list of arguments: syscall(2) with six of its own. */
inline constexpr std::size_t kMostArguments = 7;

struct Fault {
  Action action = Action::kNone;
  /** Of this call only, as its manual page is named; empty: of any. */
  std::array<char, 64> name{};
  /** And only where the argument of that index has that value; -1: whatever the arguments. */
  int if_argument = -1;
  std::uintptr_t if_value = 0;
  /** The how manieth of these, from 1; 0: all of them. */
  std::uint32_t nth = 1;
  int err = 0;
  int masked_argument = 0;
  std::uintptr_t masked_bits = 0;
  /** The calls of every thread, and not only of those that are counted. */
  bool is_of_every_thread = false;
  /** The calls of this thread, and no others. */
  OwnThread thread = OwnThread::kNone;
};

/** From now on calls are counted, written down, and met by the fault: those of this thread and of its children. */
void arm(const Fault& fault);

struct Made {
  /** The calls since, oldest first, up to as many as there is room for. */
  std::span<const char* const> calls;
  /** For each of them why its failure by the fault's errno is tolerated (base/tolerated.h); null if it is not. */
  std::span<const char* const> tolerated;
  std::uint32_t hits;
};

/** Ends that. What was made is there until it is armed again. */
Made disarm();

/** From now on this thread is that one. */
void be_own_thread(OwnThread thread);

/** The calls of this thread count as well, while this is there. */
class Counted {
 public:
  Counted();
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  Counted(Counted&&) = delete;
  Counted& operator=(Counted&&) = delete;
  ~Counted();

 private:
  bool was_;
};

/**
 * Decides on a call that is about to be made, and may change its arguments. In children that share our memory
 * too, so it makes no call that they must not (vfork(2), CAVEATS).
 */
Action meet(const char* name, std::span<std::uintptr_t> arguments, int& err);

void set_errno(int err);

template <class R>
R failure() {
  if constexpr (std::is_same_v<R, void*>) {
    return MAP_FAILED;
  } else if constexpr (std::is_pointer_v<R>) {
    return nullptr;
  } else {
    return static_cast<R>(-1);
  }
}

template <class T>
std::uintptr_t to_word(T value) {
  if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<std::uintptr_t>(value);
  } else {
    return static_cast<std::uintptr_t>(value);
  }
}

template <class T>
T from_word(std::uintptr_t word) {
  if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<T>(word);
  } else {
    return static_cast<T>(word);
  }
}

/** `is_done`: the call has its effect even when it fails (close(2)). */
template <class R, class... A>
R around(const char* name, bool is_done, R (*call)(A...), A... arguments) {
  std::array<std::uintptr_t, sizeof...(A) + 1> words{to_word(arguments)...};
  int err = 0;
  const Action action = meet(name, std::span(words).first(sizeof...(A)), err);
  if (action == Action::kSkip) return R{};
  if (action == Action::kFail) {
    if (is_done) static_cast<void>(call(arguments...));
    set_errno(err);
    return failure<R>();
  }
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return call(from_word<A>(words[I])...);
  }(std::index_sequence_for<A...>());
}

}  // namespace buildjail::faults
