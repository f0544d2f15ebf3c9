#include "plan/wire_reader.h"

namespace buildjail {

std::uint8_t WireReader::u8() { return static_cast<std::uint8_t>(little_endian(1)); }
std::uint32_t WireReader::u32() { return static_cast<std::uint32_t>(little_endian(4)); }
std::uint64_t WireReader::u64() { return little_endian(8); }

std::string WireReader::string() {
  const auto bytes = take(u32());
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  // Everything packed ends up as a C string; a NUL would cut it short behind the checks that were made on all of it.
  if (text.find('\0') != std::string::npos) refuse();
  if (!is_good_) text.clear();
  return text;
}

void WireReader::limit() {
  const std::size_t given = bytes_.size();
  const std::size_t size = u32();
  const std::size_t read = given - bytes_.size();
  if (size < read || size > given) refuse();
  if (is_good_) bytes_ = bytes_.first(size - read);
}

std::uint64_t WireReader::little_endian(std::size_t size) {
  std::uint64_t value = 0;
  unsigned shift = 0;
  for (const std::byte byte : take(size)) {
    value |= std::to_integer<std::uint64_t>(byte) << shift;
    shift += 8;
  }
  return value;
}

std::span<const std::byte> WireReader::take(std::size_t size) {
  if (!is_good_ || size > bytes_.size()) {
    refuse();
    return {};
  }
  const auto taken = bytes_.first(size);
  bytes_ = bytes_.subspan(size);
  return taken;
}

}  // namespace buildjail
