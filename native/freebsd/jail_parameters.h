#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "envelope/record.h"

namespace buildjail {

/** A jail parameter of this kernel, as the sysctl security.jail.param lists it. */
struct JailParameter {
  /** A type of NativeJailParameter in src/native/freebsd.ts. */
  std::string_view type;
  std::string name;
  /** For a text: how many bytes it can have, its NUL included; else 0. */
  std::size_t longest = 0;
};

Result<std::vector<JailParameter>> list_jail_parameters();

/** Every parameter of a jail, by jail_get(2). */
Result<std::vector<JailValue>> get_jail(int jid);

inline constexpr const char* kNoOwnNetworks = "this kernel has no network stacks of a jail's own (vnet(9))";
inline constexpr const char* kHowToHaveNetworks = "boot a kernel with options VIMAGE, as GENERIC has it";

/** The abilities of this kernel for jails. It does not change while the kernel runs. */
struct JailAbilities {
  static Result<JailAbilities> find();
  /** Whether jails have that parameter, such as `vnet` (a network stack of their own) or, from 15.0 on, `meta`. */
  [[nodiscard]] bool knows(std::string_view name) const {
    return std::ranges::find(parameters, name, &JailParameter::name) != parameters.end();
  }

  /** Jails have descriptors, and closing the owning one removes the jail (15.0). */
  bool has_descriptors;
  std::vector<JailParameter> parameters;
  /** Every permission, in the negated form that refuses it. */
  std::vector<std::string> refusals;
};

}  // namespace buildjail
