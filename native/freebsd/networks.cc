#include "freebsd/networks.h"

#include <sys/param.h>
#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/jail.h>
#include <sys/socket.h>
#include <sys/sockio.h>
#include <sys/sysctl.h>

#include <net/if.h>
#include <netinet/in.h>
#include <netinet/in_var.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "base/back_off.h"
#include "base/tolerated.h"
#include "freebsd/child.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "network";
constexpr const char* kLoopback = "lo0";
constexpr const char* kNoSuchInterface = "there is no interface of that name to be moved";

sockaddr_in internet(in_addr_t address) {
  sockaddr_in made{};
  made.sin_len = sizeof(made);
  made.sin_family = AF_INET;
  made.sin_addr.s_addr = htonl(address);
  return made;
}

in_aliasreq loopback_address() {
  in_aliasreq request{};
  std::strncpy(request.ifra_name, kLoopback, sizeof(request.ifra_name) - 1);
  request.ifra_addr = internet(INADDR_LOOPBACK);
  request.ifra_mask = internet(IN_CLASSA_NET);
  return request;
}

// A connection within this network needs no TIME_WAIT (tcp(4)), which would keep the dead jail for as long.
void forget_connections_at_once() {
  const Tolerated tolerated("kernels before 15.0 have no such setting: connections are then forgotten later");
  constexpr int kMilliseconds = 1;
  static_cast<void>(::sysctlbyname("net.inet.tcp.msl_local", nullptr, nullptr, &kMilliseconds, sizeof(kMilliseconds)));
}

Result<UniqueFd> host_socket(const char* step) {
  UniqueFd socket(::socket(AF_LOCAL, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return socket ? Result<UniqueFd>(std::move(socket)) : last_error(step, "socket");
}

/** An ioctl(2) about the interface of that name in the network of a socket (netintro(4)). */
Status call_interface_at(int socket, const char* step, unsigned long request, const std::string& name, ifreq& asked) {
  if (name.size() >= sizeof(asked.ifr_name)) {
    errno = ENAMETOOLONG;
    return last_error(step, "ioctl", name);
  }
  name.copy(asked.ifr_name, sizeof(asked.ifr_name) - 1);
  return ::ioctl(socket, request, &asked) == 0 ? Status() : last_error(step, "ioctl", name);
}

/** The same in the network of the host. */
Status call_interface(const char* step, unsigned long request, const std::string& name, ifreq& asked) {
  const auto socket = host_socket(step);
  return socket ? call_interface_at(socket->get(), step, request, name, asked) : socket.error();
}

/** ENXIO: the network of the socket has no interface of that name. */
Result<unsigned> number_at(int socket, const std::string& name) {
  ifreq asked{};
  if (auto status = call_interface_at(socket, kStep, SIOCGIFINDEX, name, asked); !status) return status.error();
  return static_cast<std::uint16_t>(asked.ifr_index);
}

Status rename_at(int socket, const std::string& name, std::string wanted) {
  ifreq asked{};
  asked.ifr_data = wanted.data();
  return call_interface_at(socket, kStep, SIOCSIFNAME, name, asked);
}

/** The names of the interfaces of a network; one that has several addresses is there several times. */
Result<std::vector<std::string>> names_at(int socket) {
  constexpr std::size_t kFirst = 16384;
  for (std::size_t size = kFirst;; size *= 2) {
    std::vector<char> room(size);
    ifconf list{};
    list.ifc_len = static_cast<int>(size);
    list.ifc_buf = room.data();
    if (::ioctl(socket, SIOCGIFCONF, &list) != 0) return last_error(kStep, "ioctl");
    const auto used = static_cast<std::size_t>(list.ifc_len);
    // If one more would not fit, some may be missing (ifconf in sys/net/if.c).
    if (used + sizeof(ifreq) + sizeof(sockaddr_storage) > size) continue;
    std::vector<std::string> names;
    for (std::size_t at = 0; at + sizeof(ifreq) <= used;) {
      const char* const entry = room.data() + at;
      names.emplace_back(entry, ::strnlen(entry, IFNAMSIZ));
      // An address that is longer than a sockaddr goes on behind the entry (netintro(4), SIOCGIFCONF).
      const auto length = static_cast<unsigned char>(entry[IFNAMSIZ]);
      at += IFNAMSIZ + std::max<std::size_t>(length, sizeof(sockaddr));
    }
    return names;
  }
}

/** Its name in the network of a socket; empty if it is not there. */
Result<std::string> name_at(int socket, unsigned number) {
  const auto names = names_at(socket);
  if (!names) return names.error();
  for (const std::string& name : *names) {
    const auto found = number_at(socket, name);
    if (!found && found.error().err != ENXIO) return found.error();
    if (found && *found == number) return name;
  }
  return std::string();
}

/** A name that nobody has given an interface, because nobody knows the time at which it is asked for. */
std::string unknown_name() {
  constexpr std::int64_t kDigits = 1'000'000'000'000;
  return "bj" + std::to_string(std::chrono::steady_clock::now().time_since_epoch().count() % kDigits);
}

}  // namespace

Result<UniqueFd> bring_up_loopback(const JailReference& jail) {
  in_aliasreq address = loopback_address();
  auto socket = opened_in_child(kStep, [&jail, &address](int channel, int& opened) -> const char* {
    if (close_all_but(channel) != 0) return "close_range";
    if (const char* const failed = enter_jail(jail); failed != nullptr) return failed;
    opened = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (opened < 0) return "socket";
    // The kernel adds ::1 by itself when lo0 is up (in6_ifattach_loopback).
    if (::ioctl(opened, SIOCAIFADDR, &address) != 0) return "ioctl";
    forget_connections_at_once();
    return nullptr;
  });
  if (!socket) socket.error().path = kLoopback;
  return socket;
}

Status move_interface(const std::string& name, int jid, Moving moving) {
  ifreq asked{};
  asked.ifr_jid = jid;
  auto status = call_interface(kStep, moving == Moving::kIn ? SIOCSIFVNET : SIOCSIFRVNET, name, asked);
  if (!status && status.error().err == ENXIO) status.error().detail = kNoSuchInterface;
  return status;
}

Result<unsigned> number_of_interface(const std::string& name) {
  const auto socket = host_socket(kStep);
  if (!socket) return socket.error();
  auto number = number_at(socket->get(), name);
  if (!number && number.error().err == ENXIO) number.error().detail = kNoSuchInterface;
  return number;
}

Status take_back_interface(const UniqueFd& network, int jid, unsigned number, const std::string& name) {
  const auto named = number_at(network.get(), name);
  if (!named && named.error().err != ENXIO) return named.error();
  // defence: lent-interface-comes-back
  if (named && *named == number) return move_interface(name, jid, Moving::kBack);
  const auto current = name_at(network.get(), number);
  // It was destroyed.
  if (!current || current->empty()) return current ? Status() : current.error();
  // Its name may be that of another interface of the host's, and the kernel would not look (if_vmove).
  const std::string meanwhile = unknown_name();
  auto status = rename_at(network.get(), *current, meanwhile);
  if (status) status = move_interface(meanwhile, jid, Moving::kBack);
  const auto socket = status ? host_socket(kStep) : status.error();
  if (!socket) return socket.error();
  return rename_at(socket->get(), meanwhile, name);
}

Result<std::string> create_interface(const std::string& name) {
  ifreq made{};
  if (auto status = call_interface("interface", SIOCIFCREATE2, name, made); !status) return std::move(status.error());
  return std::string(made.ifr_name);
}

Status destroy_interface(const std::string& name) {
  ifreq destroyed{};
  return call_interface("interface", SIOCIFDESTROY, name, destroyed);
}

namespace {

constexpr std::chrono::milliseconds kDyingBound{10'000};
constexpr std::size_t kMany = 32;

bool is_dead(const std::string& jail_name) {
  const Tolerated tolerated("a jail that cannot be asked for is taken to be dying");
  const auto found = find_jail(jail_name);
  return found && !*found;
}

}  // namespace

void DyingNetworks::add(std::string jail_name) {
  const std::lock_guard lock(mutex_);
  dying_.push_back({std::move(jail_name), std::chrono::steady_clock::now()});
}

void DyingNetworks::wait_until_few() {
  BackOff back_off(kDyingBound);
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      // defence: networks-being-taken-away
      if (dying_.size() < kMany) return;
      std::erase_if(dying_, [](const Dying& one) { return is_dead(one.jail_name); });
      if (dying_.size() < kMany) return;
    }
    if (back_off.wait()) continue;
    const std::lock_guard lock(mutex_);
    const auto in_vain = std::chrono::steady_clock::now() - kDyingBound;
    while (!dying_.empty() && dying_.front().since <= in_vain) dying_.pop_front();
    return;
  }
}

}  // namespace buildjail
