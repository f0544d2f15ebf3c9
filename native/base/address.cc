#include "base/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace buildjail {

namespace {

/** The first `bits` bits of addresses of a network. */
struct Prefix {
  std::array<std::uint8_t, 16> bytes;
  unsigned bits;
};

// RFC 6890 and the registries of IANA after it, without the networks of examples, which no host has. 168.63.129.16 is
// the platform of Azure, which gives each of its virtual machines its settings, as 169.254.169.254 does elsewhere.
constexpr std::array kPrivateIpv4{
    Prefix{{0}, 8},         Prefix{{10}, 8},       Prefix{{100, 64}, 10},   Prefix{{127}, 8},
    Prefix{{169, 254}, 16}, Prefix{{172, 16}, 12}, Prefix{{192, 0, 0}, 24}, Prefix{{192, 168}, 16},
    Prefix{{198, 18}, 15},  Prefix{{224}, 4},      Prefix{{240}, 4},        Prefix{{168, 63, 129, 16}, 32},
};
constexpr std::array kPrivateIpv6{
    // Unspecified, loopback, and IPv4 addresses in the form that RFC 4291 gave up.
    Prefix{{0}, 80},
    // Local translation to IPv4 (RFC 8215), and tunnels of Teredo.
    Prefix{{0, 0x64, 0xff, 0x9b, 0, 1}, 48},
    Prefix{{0x20, 0x01, 0, 0}, 32},
    Prefix{{0xfc}, 7},
    Prefix{{0xfe, 0x80}, 10},
    Prefix{{0xfe, 0xc0}, 10},
    Prefix{{0xff}, 8},
};
/** Translation to IPv4 (RFC 6052): the last four bytes are its address. */
constexpr Prefix kTranslated{{0, 0x64, 0xff, 0x9b}, 96};
/** 6to4 (RFC 3056): the four bytes behind it are an IPv4 address. */
constexpr Prefix kSixToFour{{0x20, 0x02}, 16};

bool is_in(std::span<const std::uint8_t> address, const Prefix& prefix) {
  for (unsigned bit = 0; bit < prefix.bits; ++bit) {
    const unsigned mask = 0x80U >> (bit % 8);
    if ((address[bit / 8] & mask) != (prefix.bytes[bit / 8] & mask)) return false;
  }
  return true;
}

bool is_private_ipv4(std::span<const std::uint8_t> address) {
  return std::ranges::any_of(kPrivateIpv4, [&](const Prefix& one) { return is_in(address, one); });
}

}  // namespace

std::optional<Address> Address::read(const std::string& text, std::uint16_t port) {
  Address read;
  read.port_ = port;
  if (::inet_pton(AF_INET, text.c_str(), read.bytes_.data()) == 1) return read;
  read.is_ipv6_ = true;
  if (::inet_pton(AF_INET6, text.c_str(), read.bytes_.data()) == 1) return read;
  return std::nullopt;
}

std::optional<Address> Address::from(const sockaddr& raw) {
  Address read;
  if (raw.sa_family == AF_INET) {
    sockaddr_in known{};
    std::memcpy(&known, &raw, sizeof(known));
    std::memcpy(read.bytes_.data(), &known.sin_addr, sizeof(known.sin_addr));
    read.port_ = ntohs(known.sin_port);
    return read;
  }
  if (raw.sa_family != AF_INET6) return std::nullopt;
  sockaddr_in6 known{};
  std::memcpy(&known, &raw, sizeof(known));
  std::memcpy(read.bytes_.data(), &known.sin6_addr, sizeof(known.sin6_addr));
  read.port_ = ntohs(known.sin6_port);
  read.is_ipv6_ = true;
  return read;
}

Address Address::ipv4(std::uint32_t number, std::uint16_t port) {
  Address made;
  for (unsigned i = 0; i < 4; ++i) made.bytes_.at(i) = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  made.port_ = port;
  return made;
}

Address Address::behind(const Ipv6Prefix& prefix) const {
  Address made;
  made.is_ipv6_ = true;
  made.port_ = port_;
  std::ranges::copy(bytes(), std::ranges::copy(prefix, made.bytes_.begin()).out);
  return made;
}

Address Address::at(std::uint16_t port) const {
  Address other = *this;
  other.port_ = port;
  return other;
}

std::string Address::text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(is_ipv6_ ? AF_INET6 : AF_INET, bytes_.data(), text.data(), text.size());
  return text.data();
}

std::optional<Address> Address::stands_for() const {
  const auto all = bytes();
  if (!is_ipv6_) return std::nullopt;
  const bool is_translated = is_in(all, kTranslated);
  if (!is_translated && !is_in(all, kSixToFour)) return std::nullopt;
  Address other;
  other.port_ = port_;
  std::ranges::copy(is_translated ? all.last(4) : all.subspan(2, 4), other.bytes_.begin());
  return other;
}

bool Address::is_private() const {
  const auto all = bytes();
  if (!is_ipv6_) return is_private_ipv4(all);
  const auto stands_for = this->stands_for();
  // defence: address-stands-for-private
  if (stands_for && is_private_ipv4(stands_for->bytes())) return true;
  return std::ranges::any_of(kPrivateIpv6, [&](const Prefix& one) { return is_in(all, one); });
}

bool Address::is_allowable() const {
  const auto all = bytes();
  const auto is_one_of = [&](std::initializer_list<Prefix> prefixes) {
    return std::ranges::any_of(prefixes, [&](const Prefix& one) { return is_in(all, one); });
  };
  if (!is_ipv6_) return !is_one_of({{{0}, 8}, {{127}, 8}, {{224}, 4}, {{255, 255, 255, 255}, 32}});
  // A link-local address belongs to an interface, and none is named.
  constexpr Prefix kIpv4InIpv6{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96};
  return !is_one_of({{{0}, 127}, kIpv4InIpv6, {{0xfe, 0x80}, 10}, {{0xff}, 8}});
}

SocketAddress::SocketAddress(const Address& address) {
  const auto all = address.bytes();
  if (address.is_ipv6()) {
    sockaddr_in6 known{};
    known.sin6_family = AF_INET6;
    known.sin6_port = htons(address.port());
    std::memcpy(&known.sin6_addr, all.data(), all.size());
    std::memcpy(&raw_, &known, sizeof(known));
    size_ = sizeof(known);
  } else {
    sockaddr_in known{};
    known.sin_family = AF_INET;
    known.sin_port = htons(address.port());
    std::memcpy(&known.sin_addr, all.data(), all.size());
    std::memcpy(&raw_, &known, sizeof(known));
    size_ = sizeof(known);
  }
}

}  // namespace buildjail
