#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>

#include "base/address.h"

namespace buildjail {

/** Response codes (RFC 1035, 4.1.1). */
enum class DnsCode : std::uint8_t {
  kNoError = 0,
  kFormatError = 1,
  kNameError = 3,
  kNotImplemented = 4,
  kRefused = 5,
};

/** A question of one name. */
struct DnsQuery {
  std::uint16_t id = 0;
  bool is_recursion_desired = false;
  /** In lower case, without the dot at its end. A byte that no host name has is a `?`. */
  std::string name;
  bool has_odd_bytes = false;
  std::uint16_t type = 0;
  std::uint16_t record_class = 0;
  /** The size of the header and the question, which an answer repeats. */
  std::size_t question_end = 0;
  /** It has an OPT record (RFC 6891), with that version. */
  bool has_edns = false;
  std::uint8_t edns_version = 0;
};

/** A message without a question that can be answered, and the code to answer it with. */
struct DnsFault {
  std::uint16_t id = 0;
  DnsCode code = DnsCode::kFormatError;
};

/** A message that gets no answer: it is shorter than a header, or an answer itself. */
struct DnsSilence {};

/** Reads a message. It allocates no more than a name is long, whatever the counts in the message are. */
std::variant<DnsQuery, DnsFault, DnsSilence> read_dns_query(std::span<const std::uint8_t> message);

inline constexpr std::uint16_t kDnsAddressType = 1;
inline constexpr std::uint16_t kDnsIpv6AddressType = 28;
inline constexpr std::uint16_t kDnsInternet = 1;

/** Header, question, one address, OPT: RFC 1035 bounds the question. */
class DnsAnswer {
 public:
  static constexpr std::size_t kMost = 512;

  /** Answers a query that `message` is. `address` is of the requested type, or null for an answer without records. */
  DnsAnswer(std::span<const std::uint8_t> message, const DnsQuery& query, DnsCode code, const Address* address);
  explicit DnsAnswer(const DnsFault& fault);

  [[nodiscard]] std::span<const std::uint8_t> bytes() const { return std::span(bytes_).first(size_); }

 private:
  void put(std::uint8_t byte) { bytes_.at(size_++) = byte; }
  void put16(unsigned number) {
    put(static_cast<std::uint8_t>(number >> 8U));
    put(static_cast<std::uint8_t>(number));
  }
  void put_header(std::uint16_t id, bool is_recursion_desired, DnsCode code, unsigned questions, unsigned answers,
                  unsigned additional);

  std::array<std::uint8_t, kMost> bytes_{};
  std::size_t size_ = 0;
};

}  // namespace buildjail
