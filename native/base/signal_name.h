#pragma once

#include <string>
#include <string_view>

namespace buildjail {

/** `SIGKILL`; numbers without a name come out as `SIG34`. */
[[nodiscard]] std::string signal_name(int signal);

/** The number of a name, or 0. */
[[nodiscard]] int signal_number(std::string_view name);

}  // namespace buildjail
