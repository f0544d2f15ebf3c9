#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace buildjail {

// The caller may serve the page faults of its own memory, and so hold up the thread that reads it (userfaultfd(2)).
// Only a thread that serves no other session may call these. Each returns nothing if the memory cannot be read.

/** A text with a zero at its end, no longer than `most`. */
std::optional<std::string> read_text(pid_t thread, std::uint64_t address, std::size_t most);
/** The path in a socket's address (unix(7)); an empty text if the address is of another family or names no file. */
std::optional<std::string> read_socket_path(pid_t thread, std::uint64_t address, std::uint32_t size);
std::optional<std::uint64_t> read_number64(pid_t thread, std::uint64_t address);

}  // namespace buildjail
