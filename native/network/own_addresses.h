#pragma once

#include <optional>
#include <vector>

#include "base/address.h"

namespace buildjail {

/** The addresses among `all` that lead to this host itself, or may. Empty if the kernel cannot be asked. */
std::optional<std::vector<Address>> own_among(const std::vector<Address>& found);

}  // namespace buildjail
