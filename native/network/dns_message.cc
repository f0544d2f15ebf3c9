#include "network/dns_message.h"

#include <algorithm>

namespace buildjail {

namespace {

constexpr std::size_t kHeader = 12;
constexpr std::size_t kMostLabel = 63;
/** Of a name with the sizes of its labels (RFC 1035, 2.3.4). */
constexpr std::size_t kMostName = 255;
constexpr std::uint16_t kOptType = 41;
constexpr std::size_t kOptSize = 11;
/** Name, type, class, time to live, size of the data, an IPv6 address. */
constexpr std::size_t kAnswerSize = 28;
static_assert(kHeader + kMostName + 4 + kAnswerSize + kOptSize <= DnsAnswer::kMost);

/** Reads numbers of a message, and zeros from its end on. */
class Reader {
 public:
  Reader(std::span<const std::uint8_t> message, std::size_t at) : message_(message), at_(at) {}

  unsigned u8() {
    if (at_ >= message_.size()) {
      is_good_ = false;
      return 0;
    }
    return message_[at_++];
  }
  unsigned u16() {
    const unsigned high = u8();
    return high << 8U | u8();
  }
  void skip(std::size_t count) {
    if (count > message_.size() - at_) is_good_ = false;
    at_ = std::min(at_ + count, message_.size());
  }
  [[nodiscard]] bool is_good() const noexcept { return is_good_; }
  [[nodiscard]] std::size_t at() const noexcept { return at_; }

 private:
  std::span<const std::uint8_t> message_;
  std::size_t at_;
  bool is_good_ = true;
};

char lower(unsigned byte) { return static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte); }

bool is_of_host_name(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; }

/** Reads a name without compression: before a question there is no name to point to. */
bool read_name(Reader& reader, DnsQuery& query) {
  const std::size_t begin = reader.at();
  for (;;) {
    const unsigned size = reader.u8();
    if (!reader.is_good() || size > kMostLabel) return false;
    if (size == 0) return true;
    if (!query.name.empty()) query.name += '.';
    for (unsigned i = 0; i < size; ++i) {
      const char c = lower(reader.u8());
      // A dot within a label does not end the label.
      const bool is_plain = is_of_host_name(c);
      if (!is_plain) query.has_odd_bytes = true;
      query.name += is_plain ? c : '?';
    }
    if (!reader.is_good() || reader.at() - begin >= kMostName) return false;
  }
}

/** Reads the OPT record, which may be the one record behind the question. False if it is malformed. */
bool read_edns(Reader& reader, unsigned additional, DnsQuery& query) {
  for (unsigned i = 0; i < additional; ++i) {
    // Another record, such as a signature, has a name: the part behind it is not read.
    if (reader.u8() != 0) return reader.is_good();
    const unsigned type = reader.u16();
    reader.skip(2 + 1);
    const unsigned version = reader.u8();
    reader.skip(2);
    reader.skip(reader.u16());
    if (!reader.is_good()) return false;
    if (type != kOptType) continue;
    if (query.has_edns) return false;
    query.has_edns = true;
    query.edns_version = static_cast<std::uint8_t>(version);
  }
  return true;
}

}  // namespace

std::variant<DnsQuery, DnsFault, DnsSilence> read_dns_query(std::span<const std::uint8_t> message) {
  if (message.size() < kHeader) return DnsSilence{};
  Reader reader(message, 0);
  DnsQuery query;
  query.id = static_cast<std::uint16_t>(reader.u16());
  const unsigned flags = reader.u16();
  const unsigned questions = reader.u16();
  const unsigned answers = reader.u16();
  const unsigned authorities = reader.u16();
  const unsigned additional = reader.u16();
  // defence: no-answer-to-answers
  if ((flags & 0x8000U) != 0) return DnsSilence{};
  if ((flags & 0x7800U) != 0) return DnsFault{query.id, DnsCode::kNotImplemented};
  const DnsFault malformed{query.id, DnsCode::kFormatError};
  query.is_recursion_desired = (flags & 0x0100U) != 0;
  if (questions != 1 || answers != 0 || authorities != 0) return malformed;
  if (!read_name(reader, query)) return malformed;
  query.type = static_cast<std::uint16_t>(reader.u16());
  query.record_class = static_cast<std::uint16_t>(reader.u16());
  if (!reader.is_good()) return malformed;
  query.question_end = reader.at();
  if (!read_edns(reader, additional, query)) return malformed;
  return query;
}

void DnsAnswer::put_header(std::uint16_t id, bool is_recursion_desired, DnsCode code, unsigned questions,
                           unsigned answers, unsigned additional) {
  put16(id);
  // An answer, and recursion is available.
  put16(0x8080U | (is_recursion_desired ? 0x0100U : 0U) | static_cast<unsigned>(code));
  put16(questions);
  put16(answers);
  put16(0);
  put16(additional);
}

DnsAnswer::DnsAnswer(std::span<const std::uint8_t> message, const DnsQuery& query, DnsCode code,
                     const Address* address) {
  // BADVERS is 16: its upper bits are in the OPT record (RFC 6891, 6.1.3).
  const bool is_other_version = query.edns_version != 0;
  const Address* const told = is_other_version ? nullptr : address;
  put_header(query.id, query.is_recursion_desired, is_other_version ? DnsCode::kNoError : code, 1,
             told != nullptr ? 1 : 0, query.has_edns ? 1 : 0);
  for (std::size_t at = kHeader; at < query.question_end; ++at) put(message[at]);
  if (told != nullptr) {
    // The name is that of the question, at the end of the header.
    put16(0xc000U | kHeader);
    put16(told->is_ipv6() ? kDnsIpv6AddressType : kDnsAddressType);
    put16(kDnsInternet);
    put16(0);
    put16(1);
    put16(static_cast<unsigned>(told->bytes().size()));
    for (const std::uint8_t byte : told->bytes()) put(byte);
  }
  if (!query.has_edns) return;
  put(0);
  put16(kOptType);
  put16(kMost);
  put(is_other_version ? 1 : 0);
  put(0);
  put16(0);
  put16(0);
}

DnsAnswer::DnsAnswer(const DnsFault& fault) { put_header(fault.id, false, fault.code, 0, 0, 0); }

}  // namespace buildjail
