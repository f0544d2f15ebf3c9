#pragma once

#include <cstdint>

namespace buildjail {

/**
 * What the filter on system calls refuses unless a spec names it in `allow`, by the bit that it has on the wire. Also
 * in src/native/wire-plan.ts.
 */
enum class Allowance : std::uint32_t {
  kUserNamespaces = 1U << 0,
  kIoUring = 1U << 1,
  kKeyring = 1U << 2,
  kPerf = 1U << 3,
  kBpf = 1U << 4,
  kUserfaultfd = 1U << 5,
  kSockets = 1U << 6,
  kSetId = 1U << 7,
  kAttributes = 1U << 8,
  kAio = 1U << 9
};

/** Any number of them. */
class Allowances {
 public:
  constexpr Allowances() = default;
  constexpr explicit Allowances(std::uint32_t bits) : bits_(bits) {}

  [[nodiscard]] constexpr bool is_empty() const { return bits_ == 0; }
  /** Whether there is nothing in it that has no name. */
  [[nodiscard]] constexpr bool is_known() const { return bits_ < static_cast<std::uint32_t>(Allowance::kAio) * 2; }
  [[nodiscard]] constexpr bool has(Allowance one) const { return (bits_ & static_cast<std::uint32_t>(one)) != 0; }

 private:
  std::uint32_t bits_ = 0;
};

}  // namespace buildjail
