#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace buildjail {

// Small text files of the host: those of proc(5) and of cgroups, each of which says one thing, and those in /etc.

Result<std::string> read_text_file(const char* step, const std::string& path);
Status write_text_file(const char* step, const std::string& path, std::string_view text);

// Empty where there is no such file, or it does not say that.

std::optional<std::string> text_of(const std::string& path);
/** The number at the beginning of the file. */
std::optional<std::uint64_t> number_in(const std::string& path);
/** The number after a word, of a file with one word and its number a line. */
std::optional<std::uint64_t> number_after(const std::string& path, std::string_view word);

}  // namespace buildjail
