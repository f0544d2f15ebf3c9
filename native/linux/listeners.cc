#include "linux/listeners.h"

#include <linux/if.h>
#include <linux/ipv6.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <string>

namespace buildjail {

namespace {

constexpr const char* kStep = "network";
CallSite site() { return {.step = kStep, .path = "network.allow"}; }
constexpr unsigned kMostShown = kMostMessageDescriptors;
static_assert(kFirstSocketSlot.number + kMostShown <= kMostSlots);
constexpr int kBacklog = 128;
constexpr int kHowMade = SOCK_CLOEXEC | SOCK_NONBLOCK;
/** The number of `lo`, in each network namespace. */
constexpr int kLoopbackIndex = 1;
constexpr int kOn = 1;

/** Puts sockets into slots, and shows those of full messages. */
class Sockets {
 public:
  explicit Sockets(InitCalls& calls) : calls_(calls) { calls_.send(); }

  /** Adds a socket that listens, or that receives datagrams. */
  void add(const Address& address, int type) {
    const SocketAddress at(address);
    const Slot slot = make(at.family(), type);
    // An IPv6 address of the interface cannot be bound at once, unless the socket says so (ipv6(7)).
    if (address.is_ipv6())
      calls_.make(site(), kCall_setsockopt, {slot, IPPROTO_IPV6, IPV6_FREEBIND, CallArgument::bytes(kOn), sizeof(kOn)});
    const std::string_view raw(reinterpret_cast<const char*>(at.get()), at.size());
    calls_.make(site(), kCall_bind, {slot, raw, at.size()});
    if (type == SOCK_STREAM) calls_.make(site(), kCall_listen, {slot, kBacklog});
    next();
  }
  void add_unbound() {
    make(AF_INET, SOCK_STREAM);
    next();
  }
  void show() {
    if (count_ == 0) return;
    calls_.show(kFirstSocketSlot, count_);
    most_ = std::max(most_, count_);
    count_ = 0;
  }
  /** Init may have few descriptors, and the next messages bring some. So its own are closed. */
  void close() {
    for (unsigned i = 0; i < most_; ++i) calls_.make(site(), kCall_close, {Slot{kFirstSocketSlot.number + i}});
    calls_.send();
  }

 private:
  Slot make(int family, int type) {
    const Slot slot{kFirstSocketSlot.number + count_};
    calls_.make(site(), kCall_socket, {family, type | kHowMade, 0}).into(slot);
    return slot;
  }
  void next() {
    if (++count_ == kMostShown) show();
  }

  InitCalls& calls_;
  unsigned count_ = 0;
  unsigned most_ = 0;
};

/** Adds an address to the loopback (netdevice(7), ipv6(7)). */
void add_address(const Address& address, unsigned number, InitCalls& calls) {
  // Init takes no longer messages, and there may be 256 addresses.
  calls.begin_step();
  const CallSite site{.step = kStep, .path = "lo"};
  const SocketAddress raw(address.at(0));
  calls.make(site, kCall_socket, {raw.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0}).into(kOpened);
  if (address.is_ipv6()) {
    in6_ifreq asked{};
    std::ranges::copy(address.bytes(), asked.ifr6_addr.s6_addr);
    asked.ifr6_prefixlen = 128;
    asked.ifr6_ifindex = kLoopbackIndex;
    calls.make(site, kCall_ioctl, {kOpened, SIOCSIFADDR, CallArgument::bytes(asked)});
  } else {
    // Each address after the first has a label of its own.
    ifreq asked{};
    const std::string label = "lo:" + std::to_string(number);
    std::memcpy(asked.ifr_name, label.c_str(), label.size() + 1);
    std::memcpy(&asked.ifr_addr, raw.get(), raw.size());
    calls.make(site, kCall_ioctl, {kOpened, SIOCSIFADDR, CallArgument::bytes(asked)});
    // The kernel took the mask of the address's class, and with it all addresses of that class for the session's own.
    const SocketAddress mask(Address::ipv4(~std::uint32_t{0}, 0));
    std::memcpy(&asked.ifr_netmask, mask.get(), mask.size());
    // defence: no-address-but-allowed
    calls.make(site, kCall_ioctl, {kOpened, SIOCSIFNETMASK, CallArgument::bytes(asked)});
  }
  calls.make(site, kCall_close, {kOpened});
}

}  // namespace

void make_listeners(const AllowedNames& names, InitCalls& calls) {
  unsigned number = 0;
  for (const AllowedName& one : names.listed()) {
    if (one.kind == AllowedName::Kind::kAddress) add_address(one.inside, number++, calls);
  }
  Sockets sockets(calls);
  sockets.add(AllowedNames::resolver(), SOCK_DGRAM);
  sockets.add(AllowedNames::resolver(), SOCK_STREAM);
  for (const ListeningAt& one : names.listening()) sockets.add(one.address, SOCK_STREAM);
  for (std::size_t i = 0; i < names.spare_sockets(); ++i) sockets.add_unbound();
  sockets.show();
  sockets.close();
}

std::size_t count_listeners(const AllowedNames& names) { return 2 + names.listening().size() + names.spare_sockets(); }

SessionSockets session_sockets(const AllowedNames& names, std::vector<UniqueFd> made) {
  SessionSockets sockets{.resolver_datagrams = std::move(made.at(0)),
                         .resolver_listener = std::move(made.at(1)),
                         .listeners = {},
                         .spare = {},
                         .spare_ipv6 = {}};
  const auto spare = made.end() - static_cast<std::ptrdiff_t>(names.spare_sockets());
  std::move(made.begin() + 2, spare, std::back_inserter(sockets.listeners));
  std::move(spare, made.end(), std::back_inserter(sockets.spare));
  return sockets;
}

}  // namespace buildjail
