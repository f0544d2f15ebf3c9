#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace buildjail {

// Files by which the kernel tells of itself and is told: those of proc(5), and of cgroups (cgroups(7)).

Result<std::string> read_kernel_file(const char* step, const std::string& path);
Status write_kernel_file(const char* step, const std::string& path, std::string_view text);

// Empty where there is no such file, or it does not say that.

std::optional<std::string> kernel_text(const std::string& path);
/** The number at the beginning of the file. */
std::optional<std::uint64_t> kernel_number(const std::string& path);
/** The number after a word, of a file with one word and its number a line. */
std::optional<std::uint64_t> kernel_number_after(const std::string& path, std::string_view word);

}  // namespace buildjail
