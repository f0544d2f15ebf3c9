#pragma once

#include <optional>
#include <vector>

#include "base/address.h"

namespace buildjail {

/** Those of the addresses that lead to this host itself. Nothing if that cannot be told. */
std::optional<std::vector<Address>> own_among(const std::vector<Address>& found);

}  // namespace buildjail
