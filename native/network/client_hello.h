#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace buildjail {

/**
 * Reads the first bytes of a TLS client, in pieces of any size, up to the end of its ClientHello (RFC 8446, 4.1.2), and
 * compares the server name in it (RFC 6066, 3). It reads each byte once, and the message once when that is whole.
 */
class ClientHelloReader {
 public:
  enum class Verdict : std::uint8_t {
    /** More bytes are needed. */
    kUnknown,
    /** It names the allowed server, or none. */
    kAllowed,
    /** It names another server, or is no ClientHello. */
    kRefused
  };

  /** Of the message, and of all bytes of the records that it is in. */
  static constexpr std::size_t kMost = 16384;

  /** `name` is in lower case. To be called again until the verdict is known. */
  Verdict add(std::span<const std::uint8_t> bytes, std::string_view name);

 private:
  static constexpr std::size_t kRecordHeader = 5;

  Verdict take(std::uint8_t byte, std::string_view name);

  std::size_t count_ = 0;
  /** Bytes of the header of a record that were read; then how many of the record are left. */
  std::size_t in_header_ = 0;
  std::uint8_t size_high_ = 0;
  std::size_t record_left_ = 0;
  std::vector<std::uint8_t> message_;
};

/** The verdict on a whole handshake message. */
ClientHelloReader::Verdict judge_client_hello(std::span<const std::uint8_t> message, std::string_view name);

}  // namespace buildjail
