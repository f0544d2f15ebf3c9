#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace buildjail {

/**
 * Reads data packed by src/native/wire-writer.ts. A read past the end, or a string with a NUL in it, makes the reader
 * bad for good. From there on it returns zeros, so that callers check once, at the end.
 */
class WireReader {
 public:
  explicit WireReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(little_endian(1)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(little_endian(4)); }
  std::uint64_t u64() { return little_endian(8); }

  std::string string() {
    const auto bytes = take(u32());
    std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    // Every string becomes a C string. A NUL would cut it short, after the whole of it was checked.
    if (text.find('\0') != std::string::npos) refuse();
    if (!is_good_) text.clear();
    return text;
  }

  /** Reads the total size, itself included. It may be less than the given bytes. */
  void limit() {
    const std::size_t given = bytes_.size();
    const std::size_t size = u32();
    const std::size_t read = given - bytes_.size();
    if (size < read || size > given) refuse();
    if (is_good_) bytes_ = bytes_.first(size - read);
  }

  /** A number of an enumeration without gaps. */
  template <class Enumeration>
  Enumeration one_up_to(Enumeration last) {
    const std::uint8_t number = u8();
    if (number > static_cast<std::uint8_t>(last)) refuse();
    return is_good_ ? static_cast<Enumeration>(number) : Enumeration();
  }

  template <class T, class Read>
  std::vector<T> list(Read read) {
    std::vector<T> values;
    const std::uint32_t count = u32();
    for (std::uint32_t i = 0; i < count && is_good_; ++i) values.push_back(read(*this));
    return values;
  }

  void refuse() noexcept { is_good_ = false; }
  /** Everything was there, and nothing was left over. */
  [[nodiscard]] bool is_complete() const noexcept { return is_good_ && bytes_.empty(); }

 private:
  std::uint64_t little_endian(std::size_t size) {
    std::uint64_t value = 0;
    unsigned shift = 0;
    for (const std::byte byte : take(size)) {
      value |= std::to_integer<std::uint64_t>(byte) << shift;
      shift += 8;
    }
    return value;
  }

  std::span<const std::byte> take(std::size_t size) {
    if (!is_good_ || size > bytes_.size()) {
      refuse();
      return {};
    }
    const auto taken = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return taken;
  }

  std::span<const std::byte> bytes_;
  bool is_good_ = true;
};

}  // namespace buildjail
