#pragma once

#include <cstddef>
#include <cstdint>

namespace buildjail {

/** What a child does between vfork(2) and execve(2), in this order; docs/design.md, "Launching". */
enum class ForkStep : std::uint8_t {
  kSession,
  kLoginName,
  kArguments,
  kLoginClass,
  kTerminal,
  kStdio,
  kCloseRange,
  kTracing,
  kProtection,
  kCores,
  kTerminals,
  kLimits,
  kGroups,
  kGid,
  kAttach,
  kRoot,
  kNull,
  kDirectory,
  kUmask,
  kUid,
  kNoNewPrivileges,
  kParentDeath,
  kSignals,
};

/** All steps but some. */
class ForkSteps {
 public:
  void leave_out(ForkStep step) noexcept { left_out_ |= bit(step); }
  [[nodiscard]] bool has(ForkStep step) const noexcept { return (left_out_ & bit(step)) == 0; }

 private:
  static std::uint32_t bit(ForkStep step) noexcept { return std::uint32_t{1} << static_cast<unsigned>(step); }
  std::uint32_t left_out_ = 0;
};

}  // namespace buildjail
