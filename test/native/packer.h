#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace buildjail {

/** The other side of WireReader, as src/native/wire-plan.ts and wire-job.ts have it. */
class Packer {
 public:
  Packer& u8(std::uint8_t value) { return number(value, 1); }
  Packer& u32(std::uint32_t value) { return number(value, 4); }
  Packer& u64(std::uint64_t value) { return number(value, 8); }
  Packer& string(std::string_view text) {
    u32(static_cast<std::uint32_t>(text.size()));
    for (const char c : text) bytes_.push_back(static_cast<std::byte>(c));
    return *this;
  }
  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }
  /** Where it begins with its size. */
  Packer& size(std::uint32_t size) {
    for (std::size_t i = 0; i < 4; ++i) bytes_.at(i) = static_cast<std::byte>(size >> (8 * i));
    return *this;
  }

 private:
  Packer& number(std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i) bytes_.push_back(static_cast<std::byte>(value >> (8 * i)));
    return *this;
  }
  std::vector<std::byte> bytes_;
};

}  // namespace buildjail
