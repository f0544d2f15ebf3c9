#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace buildjail::launch {

/** Writes a message of protocol/launcher.proto, field by field, in the encoding of Protocol Buffers. */
class MessageWriter {
 public:
  MessageWriter& number(unsigned field, std::uint64_t value);
  MessageWriter& bytes(unsigned field, std::string_view value);
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void varint(std::uint64_t value);
  std::string text_;
};

/** One field of a message. */
struct Field {
  unsigned number = 0;
  /** The value of a number field. */
  std::uint64_t value = 0;
  /** The value of any other field. */
  std::string_view bytes;
};

/** Reads a message field by field. */
class MessageReader {
 public:
  explicit MessageReader(std::string_view message) : rest_(message) {}
  /** Empty at the end, and at a kind of field that we do not use. */
  std::optional<Field> next();

 private:
  std::optional<std::uint64_t> varint();
  std::string_view rest_;
};

}  // namespace buildjail::launch
