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

/** The entry of a spec's `allow` that lifts a refusal; empty if none does. */
std::optional<Allowance> lifted_by(Reason reason);

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
  Reason reason;
  const char* name;
  /** Its number on x86-64 (arch/x86/entry/syscalls/syscall_64.tbl). */
  int x86_64;
  /** Its number on arm64 and riscv64, which share a table (asm-generic/unistd.h). */
  int generic;
  /** The errno that it fails with. */
  int err;
  /** It is refused if all of these hold. */
  std::array<Condition, 4> when = {};

  [[nodiscard]] constexpr bool is_conditional() const { return when.front().kind != Condition::Kind::kAlways; }
};

/** A call that is here more than once is refused for any one of the reasons. */
std::span<const RefusedCall> refused_calls();

/** The highest number of a call when the table was written (Linux 6.18). */
inline constexpr int kNewestCall = 469;

}  // namespace buildjail
