#pragma once

#include <cstdint>
#include <span>

namespace buildjail {

/** The program made from init.c; defined in what embed.mjs writes. */
std::span<const std::uint8_t> init_bytes();

}  // namespace buildjail
