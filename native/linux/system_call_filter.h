#pragma once

#include <cstdint>
#include <vector>

#include "plan/allowance.h"

namespace buildjail {

/** struct sock_filter (linux/filter.h): an instruction of classic BPF. */
struct FilterInstruction {
  std::uint16_t code;
  /** How many instructions are passed over where it holds, and where it does not. */
  std::uint8_t if_true, if_false;
  std::uint32_t value;

  constexpr bool operator==(const FilterInstruction&) const = default;
};

enum class Architecture : std::uint8_t { kX8664, kArm64, kRiscv64 };

/**
 * The filter on system calls that a session has (seccomp(2)): a program that the kernel runs for a call, and that
 * answers those of refused_calls.h itself. The kernel finds out by itself which calls the program lets through whatever
 * their arguments are, and does not run it for them.
 */
class SystemCallFilter {
 public:
  /** Refuses what the spec does not allow. */
  explicit SystemCallFilter(Allowances allowed);
  SystemCallFilter(Allowances allowed, Architecture architecture);

  [[nodiscard]] const std::vector<FilterInstruction>& program() const noexcept { return program_; }

  /**
   * For the calling thread and all that it starts and executes from here on, for good. Needs PR_SET_NO_NEW_PRIVS. It
   * only makes a system call, as a child must that shares our memory. -1 and errno when the kernel cannot.
   */
  [[nodiscard]] int install() const;

 private:
  std::vector<FilterInstruction> program_;
};

}  // namespace buildjail
