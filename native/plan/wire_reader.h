#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace buildjail {

/**
 * Reads what src/native/wire-writer.ts packed. A read past the end, or a string with a NUL in it, makes the reader bad
 * for good and yields zeros from there on, so that callers check once, at the end.
 */
class WireReader {
 public:
  explicit WireReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::uint8_t u8();
  std::uint32_t u32();
  std::uint64_t u64();
  std::string string();
  /** Reads the size of all, itself included, which may be less than what was given. */
  void limit();

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
  std::span<const std::byte> take(std::size_t size);
  std::uint64_t little_endian(std::size_t size);

  std::span<const std::byte> bytes_;
  bool is_good_ = true;
};

}  // namespace buildjail
