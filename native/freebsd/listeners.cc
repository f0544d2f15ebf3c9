#include "freebsd/listeners.h"

#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/sockio.h>

#include <net/if.h>
#include <netinet/in.h>
#include <netinet/in_var.h>
#include <netinet6/in6_var.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/tolerated.h"
#include "freebsd/child.h"
#include "freebsd/sysctl.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "network";
constexpr std::string_view kLoopback = "lo0";
constexpr int kBacklog = 128;
/** ND6_INFINITE_LIFETIME, whose header is no C++ (netinet6/nd6.h). */
constexpr std::uint32_t kForEver = 0xffffffff;

struct WantedSocket {
  Address address;
  int type = SOCK_STREAM;
  bool is_bound = true;

  [[nodiscard]] int family() const noexcept { return address.is_ipv6() ? AF_INET6 : AF_INET; }
};

std::vector<WantedSocket> sockets_of(const AllowedNames& names) {
  std::vector<WantedSocket> wanted{{.address = AllowedNames::resolver(), .type = SOCK_DGRAM},
                                   {.address = AllowedNames::resolver()}};
  for (const ListeningAt& one : names.listening()) wanted.push_back({.address = one.address});
  // A name for which a wildcard stands takes some addresses for each that is tried.
  const auto add_spare = [&](const auto& address_of) {
    for (std::size_t i = 0; i < names.spare_sockets(); ++i)
      wanted.push_back({.address = address_of(AllowedNames::wildcard_address(i)), .is_bound = false});
  };
  add_spare([](const Address& address) { return address; });
  if (names.listens_in_ipv6()) add_spare([&](const Address& address) { return *names.in_ipv6(address); });
  return wanted;
}

/** A socket stays in the network in which it was made, whichever network its process is in. */
Result<std::vector<UniqueFd>> made_in(const JailReference& jail, const std::vector<WantedSocket>& wanted) {
  auto made =
      all_opened_in_child(kStep, wanted.size(), [&jail, &wanted](int channel, std::span<int> opened) -> const char* {
        if (close_all_but(channel) != 0) return "close_range";
        if (const char* const failed = enter_jail(jail); failed != nullptr) return failed;
        for (std::size_t i = 0; i < wanted.size(); ++i) {
          opened[i] = ::socket(wanted[i].family(), wanted[i].type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
          if (opened[i] < 0) return "socket";
        }
        return nullptr;
      });
  if (!made) return made;
  for (UniqueFd& one : *made) {
    one = above_stdio(std::move(one));
    if (!one) return last_error(kStep, "fcntl");
    // A connection inherits this from its listener. An urgent byte that comes before it is accepted would be lost
    // (tcp(4)).
    const int on = 1;
    if (::setsockopt(one.get(), SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on)) != 0) return last_error(kStep, "setsockopt");
  }
  return made;
}

/** Adds an address to lo0, by a socket of that network: of 127/8 only 127.0.0.1 is there by itself (netintro(4)). */
Status add_address(const UniqueFd& socket, const Address& address) {
  const SocketAddress raw(address.at(0));
  int added = 0;
  if (address.is_ipv6()) {
    in6_aliasreq asked{};
    kLoopback.copy(asked.ifra_name, sizeof(asked.ifra_name) - 1);
    std::memcpy(&asked.ifra_addr, raw.get(), raw.size());
    asked.ifra_addr.sin6_len = sizeof(asked.ifra_addr);
    asked.ifra_prefixmask.sin6_len = sizeof(asked.ifra_prefixmask);
    asked.ifra_prefixmask.sin6_family = AF_INET6;
    std::memset(&asked.ifra_prefixmask.sin6_addr, 0xff, sizeof(asked.ifra_prefixmask.sin6_addr));
    asked.ifra_lifetime.ia6t_vltime = kForEver;
    asked.ifra_lifetime.ia6t_pltime = kForEver;
    added = ::ioctl(socket.get(), SIOCAIFADDR_IN6, &asked);
  } else {
    in_aliasreq asked{};
    kLoopback.copy(asked.ifra_name, sizeof(asked.ifra_name) - 1);
    std::memcpy(&asked.ifra_addr, raw.get(), raw.size());
    asked.ifra_addr.sin_len = sizeof(asked.ifra_addr);
    asked.ifra_mask = asked.ifra_addr;
    asked.ifra_mask.sin_addr.s_addr = INADDR_BROADCAST;
    added = ::ioctl(socket.get(), SIOCAIFADDR, &asked);
  }
  return added == 0 ? Status() : last_error(kStep, "ioctl", address.text());
}

Status bind_to(const UniqueFd& socket, const WantedSocket& wanted) {
  const SocketAddress at(wanted.address);
  if (::bind(socket.get(), at.get(), at.size()) != 0) return last_error(kStep, "bind", wanted.address.text());
  if (wanted.type != SOCK_STREAM || ::listen(socket.get(), kBacklog) == 0) return {};
  return last_error(kStep, "listen", wanted.address.text());
}

}  // namespace

NamesInIpv6 names_in_ipv6() {
  const Tolerated tolerated("the names have IPv4 addresses only");
  return read_sysctl("kern.features.inet6") ? NamesInIpv6::kOwn : NamesInIpv6::kNot;
}

Result<SessionSockets> make_listeners(const AllowedNames& names, const JailReference& jail) {
  const auto wanted = sockets_of(names);
  auto made = made_in(jail, wanted);
  if (!made) return std::move(made.error());
  std::optional<Address> last;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    // Sockets of one address follow each other.
    const Address address = wanted[i].address.at(0);
    if (!last || !last->is_same_host(address)) {
      if (auto status = add_address((*made)[i], address); !status) return std::move(status.error());
      last = address;
    }
    if (!wanted[i].is_bound) continue;
    if (auto status = bind_to((*made)[i], wanted[i]); !status) return std::move(status.error());
  }
  SessionSockets sockets{.resolver_datagrams = std::move((*made)[0]),
                         .resolver_listener = std::move((*made)[1]),
                         .listeners = {},
                         .spare = {},
                         .spare_ipv6 = {}};
  for (std::size_t i = 2; i < wanted.size(); ++i) {
    auto& spare = wanted[i].address.is_ipv6() ? sockets.spare_ipv6 : sockets.spare;
    (wanted[i].is_bound ? sockets.listeners : spare).push_back(std::move((*made)[i]));
  }
  return sockets;
}

}  // namespace buildjail
