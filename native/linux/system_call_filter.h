#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "plan/plan.h"

namespace buildjail {

/** Every bit of an argument that the kernel looks at. */
inline constexpr std::uint32_t kWholeArgument = ~std::uint32_t{0};

/**
 * A condition on one argument of a call. The kernel takes each of these arguments for an int, an unsigned int or
 * something shorter, and ignores its upper 32 bits, as the filter does.
 */
struct Condition {
  enum class Kind : std::uint8_t { kAlways, kAnyBit, kIs, kIsNot };
  Kind kind = Kind::kAlways;
  /** Counted from 0. */
  std::uint8_t argument = 0;
  /** The bits that are compared. */
  std::uint32_t mask = 0;
  std::uint32_t value = 0;
};

/** The architecture has no such call. */
inline constexpr int kNoSuchCall = -1;

struct RefusedCall {
  /** The entry of a spec's `allow` that lifts the refusal. Empty if no entry does. */
  std::optional<Allowance> lifted_by;
  const char* name;
  /** Its number on x86-64 (arch/x86/entry/syscalls/syscall_64.tbl). */
  int x86_64;
  /** Its number on arm64 and riscv64, which share a table (asm-generic/unistd.h). */
  int generic;
  /** The errno that it fails with. */
  int err;
  /** It is refused if all of these hold. */
  std::array<Condition, 6> when = {};
  /** One more entry that lifts it, because programs with that right need the call. */
  std::optional<Allowance> also_lifted_by = {};
  /** A listener answers it (seccomp_unotify(2)). Without one it fails with `err`. */
  bool is_told = false;

  [[nodiscard]] constexpr bool is_lifted(Allowances allowed) const {
    return (lifted_by && allowed.has(*lifted_by)) || (also_lifted_by && allowed.has(*also_lifted_by));
  }
  [[nodiscard]] constexpr bool is_conditional() const { return when.front().kind != Condition::Kind::kAlways; }
};

/** A call with several rows is refused by any one of them. */
std::span<const RefusedCall> refused_calls();

/** The highest number of a call when the table was written (Linux 6.18). */
inline constexpr int kNewestCall = 469;

/** struct sock_filter (linux/filter.h): an instruction of classic BPF. */
struct FilterInstruction {
  std::uint16_t code;
  /** How many instructions a jump skips if its condition holds, and if it does not. */
  std::uint8_t if_true, if_false;
  std::uint32_t value;

  constexpr bool operator==(const FilterInstruction&) const = default;
};

/** By the kernel's number: AUDIT_ARCH_X86_64, _AARCH64 and _RISCV64 (linux/audit.h). */
enum class Architecture : std::uint32_t { kX8664 = 0xc000003e, kArm64 = 0xc00000b7, kRiscv64 = 0xc00000f3 };
#if defined(__x86_64__) && defined(__LP64__)
inline constexpr Architecture kOwnArchitecture = Architecture::kX8664;
#elif defined(__aarch64__) && defined(__LP64__)
inline constexpr Architecture kOwnArchitecture = Architecture::kArm64;
#elif defined(__riscv) && __riscv_xlen == 64
inline constexpr Architecture kOwnArchitecture = Architecture::kRiscv64;
#else
#error "buildjail's filter has no numbers of this architecture's system calls yet: add them to refused_calls.cc"
#endif

/** The calls that a filter passes to its listener (SECCOMP_FILTER_FLAG_NEW_LISTENER). */
struct Listened {
  /** The calls of refused_calls() that a listener answers. */
  bool modes = false;
  /** The calls of path_calls(), unless they are refused. */
  bool paths = false;
};

/**
 * A session's filter on system calls (seccomp(2)): a program that the kernel runs for a call, and that refuses those of
 * refused_calls(). The kernel finds out which calls the program allows whatever their arguments are, and does not run
 * it for them.
 */
class SystemCallFilter {
 public:
  /** Refuses all calls that the spec does not allow. */
  explicit SystemCallFilter(Allowances allowed, Architecture architecture = kOwnArchitecture, Listened listened = {});

  [[nodiscard]] const std::vector<FilterInstruction>& program() const noexcept { return program_; }
  /** Whether the filter passes any call to a listener. */
  [[nodiscard]] bool tells() const;

 private:
  std::vector<FilterInstruction> program_;
};

/** The filter of a session on this processor, and its filter if the kernel gives no listener. */
struct SessionFilter {
  explicit SessionFilter(Allowances allowed, Listened by = {.modes = true})
      : listened(allowed, kOwnArchitecture, by), alone(allowed, kOwnArchitecture) {}

  SystemCallFilter listened;
  SystemCallFilter alone;
};

}  // namespace buildjail
