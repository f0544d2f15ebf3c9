#include "message.h"

namespace buildjail::launch {

namespace {

constexpr unsigned kVarint = 0;
constexpr unsigned kLengthDelimited = 2;
constexpr unsigned kBitsOfKind = 3;
constexpr unsigned kBitsOfByte = 7;
constexpr unsigned kLongestShift = 63;
constexpr std::uint64_t kMore = 0x80;

std::uint64_t key_of(unsigned field, unsigned kind) { return (std::uint64_t{field} << kBitsOfKind) | kind; }

}  // namespace

MessageWriter& MessageWriter::number(unsigned field, std::uint64_t value) {
  varint(key_of(field, kVarint));
  varint(value);
  return *this;
}

MessageWriter& MessageWriter::bytes(unsigned field, std::string_view value) {
  varint(key_of(field, kLengthDelimited));
  varint(value.size());
  text_.append(value);
  return *this;
}

void MessageWriter::varint(std::uint64_t value) {
  for (; value >= kMore; value >>= kBitsOfByte) text_ += static_cast<char>((value & (kMore - 1)) | kMore);
  text_ += static_cast<char>(value);
}

std::optional<Field> MessageReader::next() {
  const auto key = varint();
  if (!key) return std::nullopt;
  const auto value = varint();
  if (!value) return std::nullopt;
  Field field{.number = static_cast<unsigned>(*key >> kBitsOfKind), .value = *value, .bytes = {}};
  const auto kind = *key & ((1U << kBitsOfKind) - 1);
  if (kind == kVarint) return field;
  if (kind != kLengthDelimited || *value > rest_.size()) return std::nullopt;
  field.bytes = rest_.substr(0, *value);
  rest_.remove_prefix(*value);
  return field;
}

std::optional<std::uint64_t> MessageReader::varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift <= kLongestShift && !rest_.empty(); shift += kBitsOfByte) {
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    value |= (byte & (kMore - 1)) << shift;
    if ((byte & kMore) == 0) return value;
  }
  return std::nullopt;
}

}  // namespace buildjail::launch
