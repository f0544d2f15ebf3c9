#include "linux/caller_memory.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <span>

#include "base/tolerated.h"

namespace buildjail {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kUsualText = 256;

/** Reads the memory of a thread. Returns how many bytes could be read. */
std::size_t read_memory(pid_t thread, std::uint64_t address, std::span<std::byte> into) {
  const Tolerated tolerated("the call is counted as lost");
  std::size_t size = 0;
  while (size < into.size()) {
    // If one page of a part is missing, nothing of that part is read (process_vm_readv(2)).
    const std::size_t to_page_end = kPage - (address + size) % kPage;
    const std::size_t wanted = std::min(into.size() - size, to_page_end);
    const iovec local{.iov_base = into.data() + size, .iov_len = wanted};
    // NOLINTNEXTLINE(performance-no-int-to-ptr): an address of another process.
    const iovec remote{.iov_base = reinterpret_cast<void*>(address + size), .iov_len = wanted};
    const ssize_t got = ::process_vm_readv(thread, &local, 1, &remote, 1, 0);
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
    const auto read = into.first(size);
    if (std::ranges::find(read, std::byte{0}) != read.end()) break;
  }
  return size;
}

}  // namespace

std::optional<std::string> read_text(pid_t thread, std::uint64_t address, std::size_t most) {
  std::string text;
  for (std::size_t step = kUsualText; text.size() < most; step = most) {
    const std::size_t before = text.size();
    text.resize(std::min(most, before + step));
    const auto room = std::as_writable_bytes(std::span(text)).subspan(before);
    const std::size_t got = read_memory(thread, address + before, room);
    text.resize(before + got);
    if (const std::size_t end = text.find('\0', before); end != std::string::npos) {
      text.resize(end);
      return text;
    }
    if (got < room.size()) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<std::string> read_socket_path(pid_t thread, std::uint64_t address, std::uint32_t size) {
  constexpr std::size_t kBefore = offsetof(sockaddr_un, sun_path);
  std::uint16_t family = 0;
  if (size <= kBefore || size > sizeof(sockaddr_un)) return std::string();
  if (read_memory(thread, address, std::as_writable_bytes(std::span(&family, 1))) < sizeof(family)) return std::nullopt;
  if (family != AF_UNIX) return std::string();
  // The path need not end with a zero (unix(7)).
  std::string path(size - kBefore, '\0');
  const std::size_t got = read_memory(thread, address + kBefore, std::as_writable_bytes(std::span(path)));
  const std::size_t end = path.find('\0');
  if (got < path.size() && end >= got) return std::nullopt;
  path.resize(std::min(end, path.size()));
  return path;
}

std::optional<std::uint64_t> read_number64(pid_t thread, std::uint64_t address) {
  std::uint64_t number = 0;
  const auto bytes = std::as_writable_bytes(std::span(&number, 1));
  const iovec local{.iov_base = bytes.data(), .iov_len = bytes.size()};
  // NOLINTNEXTLINE(performance-no-int-to-ptr): an address of another process.
  const iovec remote{.iov_base = reinterpret_cast<void*>(address), .iov_len = bytes.size()};
  const Tolerated tolerated("the call is counted as lost");
  if (::process_vm_readv(thread, &local, 1, &remote, 1, 0) != static_cast<ssize_t>(bytes.size())) return std::nullopt;
  return number;
}

}  // namespace buildjail
