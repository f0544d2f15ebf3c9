#pragma once

#include <cstdint>
#include <string>

namespace buildjail {

/** The file of an output's lease in the host directory (lease.h): two names of one directory meet in it. */
std::string lease_of(const std::string& host_directory, std::uint64_t dev, std::uint64_t ino);

}  // namespace buildjail
