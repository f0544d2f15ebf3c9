#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace buildjail {

// The caller may serve page faults of its own memory, and hold up the thread that reads it (userfaultfd(2)). No other
// session waits for a thread that does. Each is empty where the memory is not there.

/** A text with a zero at its end, no longer than `most`. */
std::optional<std::string> read_text(pid_t thread, std::uint64_t address, std::size_t most);
/** The path of a socket's address (unix(7)): no character where that is of another family, or of no file. */
std::optional<std::string> read_socket_path(pid_t thread, std::uint64_t address, std::uint32_t size);
std::optional<std::uint64_t> read_number64(pid_t thread, std::uint64_t address);

}  // namespace buildjail
