#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace buildjail {

// The files of a cgroup and of what tells of cgroups, of which each says one thing (cgroups(7)). Nothing where there is
// no such file, or it does not say that.

Result<std::string> read_cgroup_file(const char* step, const std::string& path);
std::optional<std::string> cgroup_text(const std::string& path);
/** The one number in it. */
std::optional<std::uint64_t> cgroup_number(const std::string& path);
/** The number behind that word, of a file with a line for each. */
std::optional<std::uint64_t> cgroup_entry(const std::string& path, std::string_view word);

Status write_cgroup_file(const char* step, const std::string& path, std::string_view text);

}  // namespace buildjail
