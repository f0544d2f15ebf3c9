#pragma once

#include "base/result.h"

namespace buildjail {

// Jails by descriptor (15.0, jail(2)). Spelled out, as headers of 14 lack them and one binary serves both.

inline constexpr int kJailUseDesc = 0x10;
inline constexpr int kJailAtDesc = 0x20;
inline constexpr int kJailGetDesc = 0x40;
inline constexpr int kJailOwnDesc = 0x80;

/** jail_remove_jd(2). Comes after a look whether the kernel has it: SIGSYS else. */
Status remove_jail_by(int descriptor);

}  // namespace buildjail
