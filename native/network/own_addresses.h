#pragma once

#include <optional>
#include <vector>

#include "base/address.h"

namespace buildjail {

/** Those of the addresses that lead to this host itself, or may. Nothing if that cannot be told of any. */
std::optional<std::vector<Address>> own_among(const std::vector<Address>& found);

}  // namespace buildjail
