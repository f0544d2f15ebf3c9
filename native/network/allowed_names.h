#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "plan/plan.h"

namespace buildjail {

/** How programs that take only IPv6 addresses reach a name. */
enum class NamesInIpv6 : std::uint8_t {
  kNot,
  /** By the listeners of its IPv4 address: a socket for IPv6 connects to that in its IPv6 form (ipv6(7)). */
  kMapped,
  /** By listeners of its own, because sockets refuse that form unless a program asks for it (inet6(4), IPV6_V6ONLY). */
  kOwn,
};

/** A name or an address that a session may connect to. */
struct AllowedName {
  enum class Kind : std::uint8_t { kName, kAddress, kHost };

  Kind kind;
  /** In lower case; the text of the address; `host`. */
  std::string name;
  /** The address in the session's network. Its port has no meaning. */
  Address inside;
  std::vector<std::uint16_t> ports;
};

/** An address and a port in the session's network, and the name to which they belong. */
struct ListeningAt {
  const AllowedName* name;
  Address address;
};

/** The names and addresses of a plan, and their addresses in the session's network. */
class AllowedNames {
 public:
  /** The most names that wildcards get addresses for, in one session. */
  static constexpr std::size_t kMostWildcardNames = 64;
  /** Sockets for these names, which are made before any of the names is known. */
  static constexpr std::size_t kMostSpareSockets = 192;
  static constexpr std::size_t kMostListeners = 512;

  AllowedNames(const PlannedNetwork& network, NamesInIpv6 in_ipv6);

  /** E2BIG if the names and ports need more sockets than a session may have. */
  [[nodiscard]] Status confirm() const;

  [[nodiscard]] const std::vector<AllowedName>& listed() const noexcept { return listed_; }
  /** Entries that are addresses, with their ports. */
  [[nodiscard]] std::vector<Address> addresses() const;
  /** The addresses with a listener from the beginning. Those of one address follow each other. */
  [[nodiscard]] std::vector<ListeningAt> listening() const;
  /** The IPv6 address of a name with this IPv4 address. Empty if names have none. */
  [[nodiscard]] std::optional<Address> in_ipv6(const Address& address) const;
  [[nodiscard]] bool listens_in_ipv6() const noexcept { return in_ipv6_ == NamesInIpv6::kOwn; }
  /** Null for a name that is not listed. The name is in lower case. */
  [[nodiscard]] const AllowedName* find(std::string_view name) const;
  /** The ports of all wildcards that stand for the name; empty if none does. */
  [[nodiscard]] std::vector<std::uint16_t> wildcard_ports(std::string_view name) const;
  /** The number for IPv4, and the same again for IPv6 if names have listeners of their own in it. */
  [[nodiscard]] std::size_t spare_sockets() const noexcept { return spare_sockets_; }
  /** The address of a name that a wildcard stands for, by its number. */
  [[nodiscard]] static Address wildcard_address(std::size_t number);

  /** The address of the session's resolver. */
  [[nodiscard]] static Address resolver();

 private:
  struct Wildcard {
    /** `.example.net` */
    std::string end;
    std::uint16_t port;
  };

  void add(AllowedName::Kind kind, const std::string& name, const Address& address, std::uint16_t port);
  AllowedName* find_listed(AllowedName::Kind kind, std::string_view name);

  std::vector<AllowedName> listed_;
  std::vector<Wildcard> wildcards_;
  /** Of all wildcards, each once. */
  std::size_t wildcard_ports_ = 0;
  std::size_t spare_sockets_ = 0;
  NamesInIpv6 in_ipv6_;
};

}  // namespace buildjail
