#include "network/allowed_names.h"

#include <algorithm>
#include <cerrno>

namespace buildjail {

namespace {

constexpr std::uint32_t kLoopback = 127U << 24U;
constexpr std::uint32_t kFirstListed = kLoopback | 64U << 16U | 1U;
/** A plan has 256 entries at most, so no listed name has this address. */
constexpr std::uint32_t kFirstWildcard = kLoopback | 64U << 16U | 1U << 8U | 1U;
constexpr std::uint32_t kResolver = kLoopback | 53U;
constexpr std::uint16_t kResolverPort = 53;

/** Of a network that has no other use (RFC 4193). */
constexpr Address::Ipv6Prefix kOwnPrefix{0xfd, 0x6a, 0x61, 0x69, 0x6c};

constexpr const char* kHostName = "host";

void add_port(std::vector<std::uint16_t>& ports, std::uint16_t port) {
  if (std::ranges::find(ports, port) == ports.end()) ports.push_back(port);
}

}  // namespace

AllowedNames::AllowedNames(const PlannedNetwork& network, NamesInIpv6 in_ipv6) : in_ipv6_(in_ipv6) {
  using Kind = AllowedEntry::Kind;
  std::uint32_t next = kFirstListed;
  for (const AllowedEntry& entry : network.allowed) {
    if (entry.kind == Kind::kWildcard) {
      wildcards_.push_back({.end = "." + entry.text, .port = entry.port});
      continue;
    }
    if (entry.kind == Kind::kAddress) {
      if (const auto address = Address::read(entry.text, 0))
        add(AllowedName::Kind::kAddress, address->text(), *address, entry.port);
      continue;
    }
    const auto kind = entry.kind == Kind::kHost ? AllowedName::Kind::kHost : AllowedName::Kind::kName;
    const std::string name = entry.kind == Kind::kHost ? kHostName : entry.text;
    const bool is_new = find_listed(kind, name) == nullptr;
    add(kind, name, Address::ipv4(next, 0), entry.port);
    if (is_new) ++next;
  }
  for (AllowedName& one : listed_) {
    if (one.kind != AllowedName::Kind::kName) continue;
    for (const std::uint16_t port : wildcard_ports(one.name)) add_port(one.ports, port);
  }
  std::vector<std::uint16_t> ports;
  for (const Wildcard& one : wildcards_) add_port(ports, one.port);
  wildcard_ports_ = ports.size();
  spare_sockets_ = std::min(ports.size() * kMostWildcardNames, kMostSpareSockets);
}

Status AllowedNames::confirm() const {
  std::size_t count = 0;
  for (const AllowedName& one : listed_) count += one.ports.size();
  const auto refused = [](const std::string& whose, std::size_t needed, std::size_t most) {
    return SysError{.step = "network",
                    .syscall = "listen",
                    .err = E2BIG,
                    .detail = "network.allow: " + whose + " " + std::to_string(needed) +
                              " listeners, and a session has " + std::to_string(most) + " at most"};
  };
  if (count > kMostListeners) return refused("its names and ports need", count, kMostListeners);
  // Otherwise no name of the wildcards could ever get an address.
  if (wildcard_ports_ > kMostSpareSockets)
    return refused("one name of its wildcards needs", wildcard_ports_, kMostSpareSockets);
  return {};
}

std::vector<ListeningAt> AllowedNames::listening() const {
  std::vector<ListeningAt> all;
  for (const AllowedName& one : listed_) {
    for (const std::uint16_t port : one.ports) all.push_back({&one, one.inside.at(port)});
    // Programs connect to an address as it is written.
    if (one.kind == AllowedName::Kind::kAddress || !listens_in_ipv6()) continue;
    for (const std::uint16_t port : one.ports) all.push_back({&one, one.inside.at(port).behind(kOwnPrefix)});
  }
  return all;
}

std::vector<Address> AllowedNames::addresses() const {
  std::vector<Address> all;
  for (const AllowedName& one : listed_) {
    if (one.kind != AllowedName::Kind::kAddress) continue;
    for (const std::uint16_t port : one.ports) all.push_back(one.inside.at(port));
  }
  return all;
}

std::optional<Address> AllowedNames::in_ipv6(const Address& address) const {
  if (in_ipv6_ == NamesInIpv6::kNot) return std::nullopt;
  return address.behind(listens_in_ipv6() ? kOwnPrefix : Address::kMapped);
}

void AllowedNames::add(AllowedName::Kind kind, const std::string& name, const Address& address, std::uint16_t port) {
  AllowedName* found = find_listed(kind, name);
  if (found == nullptr) found = &listed_.emplace_back(AllowedName{kind, name, address, {}});
  add_port(found->ports, port);
}

AllowedName* AllowedNames::find_listed(AllowedName::Kind kind, std::string_view name) {
  const auto found =
      std::ranges::find_if(listed_, [&](const AllowedName& one) { return one.kind == kind && one.name == name; });
  return found == listed_.end() ? nullptr : &*found;
}

const AllowedName* AllowedNames::find(std::string_view name) const {
  // An address is no name, so a resolver has no answer for it.
  const auto found = std::ranges::find_if(
      listed_, [&](const AllowedName& one) { return one.kind != AllowedName::Kind::kAddress && one.name == name; });
  return found == listed_.end() ? nullptr : &*found;
}

std::vector<std::uint16_t> AllowedNames::wildcard_ports(std::string_view name) const {
  std::vector<std::uint16_t> ports;
  for (const auto& [end, port] : wildcards_) {
    // defence: wildcard-ends-at-label
    if (name.size() > end.size() && name.ends_with(end)) add_port(ports, port);
  }
  return ports;
}

Address AllowedNames::wildcard_address(std::size_t number) {
  return Address::ipv4(kFirstWildcard + static_cast<std::uint32_t>(number), 0);
}

Address AllowedNames::resolver() { return Address::ipv4(kResolver, kResolverPort); }

}  // namespace buildjail
