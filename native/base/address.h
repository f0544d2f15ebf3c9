#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace buildjail {

/** An IPv4 or IPv6 address, and a TCP port. */
class Address {
 public:
  /** Reads an address as inet_pton(3) does; nothing for any other text. */
  static std::optional<Address> read(const std::string& text, std::uint16_t port);
  /** Nothing for a socket address of another family. */
  static std::optional<Address> from(const sockaddr& raw);
  static Address ipv4(std::uint32_t number, std::uint16_t port);

  [[nodiscard]] bool is_ipv6() const noexcept { return is_ipv6_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] Address at(std::uint16_t port) const;
  /** The first 96 bits of an IPv6 address. */
  using Ipv6Prefix = std::array<std::uint8_t, 12>;
  /** Of IPv4 addresses as IPv6 has them (RFC 4291, 2.5.5.2). */
  static constexpr Ipv6Prefix kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  /** An IPv4 address as the last bits of one of IPv6. */
  [[nodiscard]] Address behind(const Ipv6Prefix& prefix) const;
  /** In network order: 4 or 16. */
  [[nodiscard]] std::span<const std::uint8_t> bytes() const { return std::span(bytes_).first(is_ipv6_ ? 16 : 4); }
  /** Without the port, and without brackets. */
  [[nodiscard]] std::string text() const;
  /** Whether both are the same, whatever their ports are. */
  [[nodiscard]] bool is_same_host(const Address& other) const {
    return is_ipv6_ == other.is_ipv6_ && bytes_ == other.bytes_;
  }

  /** The IPv4 address that a translator (RFC 6052) or 6to4 (RFC 3056) leads to by this one. Nothing for other
   * addresses.
   */
  [[nodiscard]] std::optional<Address> stands_for() const;
  /**
   * Whether the address is in no public network (RFC 6890): private, loopback, link-local, multicast, unspecified,
   * shared (RFC 6598), unique local or reserved. Also true for an IPv6 address that stands for such an IPv4 address.
   */
  [[nodiscard]] bool is_private() const;
  /** Whether a session can listen at it for an entry of the plan: it must be unicast, and no loopback address. */
  [[nodiscard]] bool is_allowable() const;

 private:
  std::array<std::uint8_t, 16> bytes_{};
  bool is_ipv6_ = false;
  std::uint16_t port_ = 0;
};

/** An address as the kernel takes it. */
class SocketAddress {
 public:
  explicit SocketAddress(const Address& address);

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&raw_); }
  [[nodiscard]] socklen_t size() const noexcept { return size_; }
  [[nodiscard]] int family() const noexcept { return raw_.ss_family; }

 private:
  sockaddr_storage raw_{};
  socklen_t size_;
};

}  // namespace buildjail
