#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "plan/allowance.h"

namespace buildjail {

/** Why a call is refused. Each kind is explained where its calls are listed (refused_calls.cc). */
enum class Reason : std::uint8_t {
  kKeyrings,
  kNamespaces,
  kMounts,
  kIoUring,
  kPerf,
  kBpf,
  kUserfaultfd,
  kSockets,
  kSetId,
  kAttributes,
  kTerminals,
  kHandles,
  kClocks,
  kPersonality,
  kDescent,
  kFileLeases,
  kAio,
  kKernel
};

/** What in a spec's `allow` lifts it; nothing lifts the others. */
std::optional<Allowance> lifted_by(Reason reason);

/** Every bit of an argument that the kernel looks at. */
inline constexpr std::uint32_t kWholeArgument = ~std::uint32_t{0};

/**
 * What one argument of a call has to be. The kernel takes each argument that is looked at as an int, an unsigned int or
 * something shorter, so that its upper 32 bits mean nothing to it, and to us.
 */
struct Condition {
  enum class Kind : std::uint8_t { kAlways, kAnyBit, kIs, kIsNot };
  Kind kind = Kind::kAlways;
  /** From 0. */
  std::uint8_t argument = 0;
  /** The bits of it that are looked at. */
  std::uint32_t mask = 0;
  std::uint32_t value = 0;
};

/** No such call there. */
inline constexpr int kNoSuchCall = -1;

struct RefusedCall {
  Reason reason;
  const char* name;
  /** Its number on x86-64 (arch/x86/entry/syscalls/syscall_64.tbl). */
  int x86_64;
  /** Its number on arm64 and riscv64, which share a table (asm-generic/unistd.h). */
  int generic;
  /** What it answers. */
  int err;
  /** It is refused where all of these hold. */
  std::array<Condition, 4> when = {};

  [[nodiscard]] constexpr bool is_conditional() const { return when.front().kind != Condition::Kind::kAlways; }
};

/** A call may be here more than once: it is refused for any one reason. */
std::span<const RefusedCall> refused_calls();

/** The highest number that a call had when the table was written (Linux 6.18). */
inline constexpr int kNewestCall = 469;

}  // namespace buildjail
