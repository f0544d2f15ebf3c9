#include "network/client_hello.h"

namespace buildjail {

namespace {

using Verdict = ClientHelloReader::Verdict;

constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::uint8_t kMajorVersion = 3;
constexpr std::uint8_t kClientHello = 1;
constexpr std::size_t kMessageHeader = 4;
constexpr std::size_t kVersionAndRandom = 2 + 32;
constexpr unsigned kServerName = 0;
/** Encrypted Client Hello: another ClientHello is in it, and the server goes by the name in that one (RFC 9849). */
constexpr unsigned kEncryptedHello = 0xfe0d;
constexpr unsigned kHostName = 0;

/** Cuts parts off the front of bytes. A missing part makes the rest bad for good. */
class Parts {
 public:
  explicit Parts(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::size_t number(std::size_t size) {
    std::size_t value = 0;
    for (const std::uint8_t byte : take(size)) value = value << 8U | byte;
    return value;
  }
  std::span<const std::uint8_t> take(std::size_t size) {
    if (size > bytes_.size()) {
      is_good_ = false;
      bytes_ = {};
      return {};
    }
    const auto taken = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return taken;
  }
  /** A vector with its size in front, in that many bytes. */
  std::span<const std::uint8_t> vector(std::size_t size_of_size) { return take(number(size_of_size)); }
  [[nodiscard]] bool is_good() const noexcept { return is_good_; }
  [[nodiscard]] bool is_empty() const noexcept { return bytes_.empty(); }

 private:
  std::span<const std::uint8_t> bytes_;
  bool is_good_ = true;
};

bool is_name(std::span<const std::uint8_t> bytes, std::string_view name) {
  if (bytes.size() != name.size()) return false;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::uint8_t byte = bytes[i];
    const int lower = byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte;
    if (lower != static_cast<unsigned char>(name[i])) return false;
  }
  return true;
}

/** Every name in it must be the same one, because servers choose among several as they like. */
bool are_names(std::span<const std::uint8_t> extension, std::string_view name) {
  Parts outer(extension);
  Parts list(outer.vector(2));
  if (!outer.is_good() || !outer.is_empty() || list.is_empty()) return false;
  while (!list.is_empty()) {
    const auto kind = list.number(1);
    const auto text = list.vector(2);
    if (!list.is_good() || kind != kHostName || !is_name(text, name)) return false;
  }
  return true;
}

}  // namespace

Verdict judge_client_hello(std::span<const std::uint8_t> message, std::string_view name) {
  Parts parts(message);
  parts.take(kMessageHeader + kVersionAndRandom);
  // Session, ciphers, compression.
  parts.vector(1);
  parts.vector(2);
  parts.vector(1);
  if (!parts.is_good()) return Verdict::kRefused;
  if (parts.is_empty()) return Verdict::kAllowed;
  Parts extensions(parts.vector(2));
  if (!parts.is_good() || !parts.is_empty()) return Verdict::kRefused;
  while (!extensions.is_empty()) {
    const auto type = extensions.number(2);
    const auto data = extensions.vector(2);
    if (!extensions.is_good()) return Verdict::kRefused;
    // defence: tls-name-is-allowed
    if (type == kServerName && !are_names(data, name)) return Verdict::kRefused;
    // defence: tls-name-is-readable
    if (type == kEncryptedHello) return Verdict::kRefused;
  }
  return Verdict::kAllowed;
}

Verdict ClientHelloReader::take(std::uint8_t byte, std::string_view name) {
  if (record_left_ == 0) {
    const std::size_t at = in_header_++;
    // defence: tls-only-handshakes
    if ((at == 0 && byte != kHandshakeRecord) || (at == 1 && byte != kMajorVersion)) return Verdict::kRefused;
    if (in_header_ < kRecordHeader) {
      if (at == 3) size_high_ = byte;
      return Verdict::kUnknown;
    }
    in_header_ = 0;
    record_left_ = static_cast<std::size_t>(size_high_) << 8U | byte;
    // An empty record carries no handshake (RFC 8446, 5.1).
    return record_left_ == 0 ? Verdict::kRefused : Verdict::kUnknown;
  }
  --record_left_;
  message_.push_back(byte);
  if (message_.front() != kClientHello) return Verdict::kRefused;
  if (message_.size() < kMessageHeader) return Verdict::kUnknown;
  const std::size_t whole = kMessageHeader + (static_cast<std::size_t>(message_[1]) << 16U |
                                              static_cast<std::size_t>(message_[2]) << 8U | message_[3]);
  if (whole > kMost) return Verdict::kRefused;
  return message_.size() == whole ? judge_client_hello(message_, name) : Verdict::kUnknown;
}

Verdict ClientHelloReader::add(std::span<const std::uint8_t> bytes, std::string_view name) {
  for (const std::uint8_t byte : bytes) {
    if (++count_ > kMost) return Verdict::kRefused;
    if (const Verdict verdict = take(byte, name); verdict != Verdict::kUnknown) return verdict;
  }
  return Verdict::kUnknown;
}

}  // namespace buildjail
