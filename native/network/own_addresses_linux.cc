#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "base/unique_fd.h"
#include "network/own_addresses.h"

namespace buildjail {

namespace {

/** A question for the route to an address (rtnetlink(7), RTM_GETROUTE). */
struct RouteQuestion {
  nlmsghdr header{};
  rtmsg route{};
  rtattr attribute{};
  std::array<std::uint8_t, 16> address{};
};
static_assert(sizeof(RouteQuestion) == NLMSG_LENGTH(sizeof(rtmsg)) + RTA_LENGTH(16));

/** Whether the kernel would deliver to the host itself. Empty if it does not say. */
std::optional<bool> is_own(int netlink, const Address& address) {
  const auto bytes = address.bytes();
  RouteQuestion question;
  const std::size_t size = offsetof(RouteQuestion, address) + bytes.size();
  question.header = {.nlmsg_len = static_cast<std::uint32_t>(size),
                     .nlmsg_type = RTM_GETROUTE,
                     .nlmsg_flags = NLM_F_REQUEST,
                     .nlmsg_seq = 0,
                     .nlmsg_pid = 0};
  question.route.rtm_family = address.is_ipv6() ? AF_INET6 : AF_INET;
  question.route.rtm_dst_len = static_cast<unsigned char>(bytes.size() * 8);
  question.attribute = {.rta_len = static_cast<unsigned short>(RTA_LENGTH(bytes.size())), .rta_type = RTA_DST};
  std::ranges::copy(bytes, question.address.begin());
  if (::send(netlink, &question, size, 0) < 0) return std::nullopt;
  // The kernel answers before send(2) returns.
  std::array<std::byte, 4096> room{};
  const ssize_t got = ::recv(netlink, room.data(), room.size(), MSG_DONTWAIT);
  nlmsghdr header{};
  if (got < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(rtmsg)))) return std::nullopt;
  std::memcpy(&header, room.data(), sizeof(header));
  if (header.nlmsg_type == RTM_NEWROUTE) {
    rtmsg route{};
    std::memcpy(&route, room.data() + NLMSG_HDRLEN, sizeof(route));
    return route.rtm_type != RTN_UNICAST;
  }
  int err = 0;
  std::memcpy(&err, room.data() + NLMSG_HDRLEN, sizeof(err));
  const bool is_nowhere = header.nlmsg_type == NLMSG_ERROR && (err == -ENETUNREACH || err == -EHOSTUNREACH);
  return is_nowhere ? std::optional(false) : std::nullopt;
}

}  // namespace

// By their routes: an address may be the host's by a route of the type `local` too, which no interface has.
std::optional<std::vector<Address>> own_among(const std::vector<Address>& found) {
  const UniqueFd netlink = above_stdio(UniqueFd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)));
  if (!netlink) return std::nullopt;
  std::vector<Address> own;
  for (const Address& one : found) {
    // A route that forbids the address (ip-route(8), blackhole) is an error of that address alone.
    if (is_own(netlink.get(), one).value_or(true)) own.push_back(one);
  }
  return own;
}

}  // namespace buildjail
