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

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <utility>

#include "base/back_off.h"
#include "base/tolerated.h"
#include "freebsd/child.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "network";
constexpr const char* kLoopback = "lo0";

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

/** An ioctl(2) about the interface of that name in the network of the host (netintro(4)). */
Status call_interface(const char* step, unsigned long request, const std::string& name, ifreq& asked) {
  if (name.size() >= sizeof(asked.ifr_name)) {
    errno = ENAMETOOLONG;
    return last_error(step, "ioctl", name);
  }
  name.copy(asked.ifr_name, sizeof(asked.ifr_name) - 1);
  const UniqueFd socket(::socket(AF_LOCAL, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return last_error(step, "socket");
  return ::ioctl(socket.get(), request, &asked) == 0 ? Status() : last_error(step, "ioctl", name);
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
  if (!status && status.error().err == ENXIO) status.error().detail = "there is no interface of that name to be moved";
  if (!status && status.error().err == EEXIST) status.error().detail = "the jail has an interface of that name";
  return status;
}

Status find_interface(const std::string& name) {
  ifreq found{};
  return call_interface("interface", SIOCGIFINDEX, name, found);
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
