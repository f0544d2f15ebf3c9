#include "linux/networks.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "base/tolerated.h"
#include "base/unique_fd.h"
#include "envelope/output.h"
#include "linux/ids.h"
#include "linux/parts.h"
#include "state/file_state.h"

namespace buildjail {

namespace {

/** Enough for a burst of builds; each takes kernel memory. */
constexpr std::size_t kMost = 16;
/**
 * Each takes two descriptors, and there are new and used ones, with a loopback and without: together they take at most
 * an eighth of the descriptors that this process may have.
 */
constexpr rlim_t kDescriptorsForOne = 64;
constexpr std::chrono::milliseconds kPause{2};

UniqueFd open_own(const std::string& process, const char* name) {
  return UniqueFd(::open((process + name).c_str(), O_RDONLY | O_CLOEXEC));
}

// In a child, because a process makes a namespace by moving into it; the descriptors are ours too, by CLONE_FILES.
Network make_network(SpareNetworks::Loopback loopback) {
  Network made;
  const auto open_own_network = [&](Stopped& stopped) {
    if (loopback == SpareNetworks::Loopback::kUp && !bring_up_loopback(stopped)) return false;
    made.descriptor.reset(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    made.sockets.reset(::open("/proc/self/net/sockstat", O_RDONLY | O_CLOEXEC));
    return true;
  };
  static_cast<void>(run_in_child("network", CLONE_NEWNET | CLONE_FILES, open_own_network));
  return {.descriptor = above_stdio(std::move(made.descriptor)), .sockets = above_stdio(std::move(made.sockets))};
}

// The kernel does not count its own sockets, and counts one that is on its way in a message (unix(7), SCM_RIGHTS). A
// connection that has ended keeps its ports for a minute more, without a socket (tcp(7), TIME-WAIT).
bool has_no_socket(const Network& network) {
  std::array<char, 512> text{};
  const Tolerated tolerated("the network then goes to no other session");
  const ssize_t got = ::pread(network.sockets.get(), text.data(), text.size(), 0);
  const std::string_view counts(text.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (!counts.starts_with("sockets: used 0\n")) return false;
  // defence: network-connection-yet-forgotten
  return counts.find(" tw 0 ") != std::string_view::npos;
}

std::size_t most_spare() {
  rlimit limit{};
  const Tolerated tolerated("no network is then made ahead");
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  // defence: spare-networks-few-descriptors
  return static_cast<std::size_t>(std::min<rlim_t>(kMost, limit.rlim_cur / kDescriptorsForOne));
}

constexpr const char* kStep = "network";

SysError no_network(const std::string& path) {
  return {.step = kStep,
          .syscall = "ioctl",
          .err = EINVAL,
          .path = path,
          .detail = "it is no network namespace (namespaces(7))"};
}

/** Opens the network namespace at a path of the host. EINVAL, without opening it, if it is anything else. */
Result<UniqueFd> open_network(const std::string& path) {
  const UniqueFd found(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!found) return last_error(kStep, "open", path);
  struct statfs system{};
  if (::fstatfs(found.get(), &system) != 0) return last_error(kStep, "fstatfs", path);
  // defence: no-network-namespace-not
  if (system.f_type != NSFS_MAGIC) return no_network(path);
  UniqueFd descriptor = above_stdio(UniqueFd(::open(DescriptorPath(found.get()).get(), O_RDONLY | O_CLOEXEC)));
  if (!descriptor) return last_error(kStep, "open", path);
  if (::ioctl(descriptor.get(), NS_GET_NSTYPE) != CLONE_NEWNET) return no_network(path);
  return descriptor;
}

/**
 * Tells an open file from every other one, past and future: the number of a removed file is given to a new one, but not
 * with the same handle (name_to_handle_at(2)). Empty if the file system has no handles.
 */
std::string identity_of(int fd, dev_t device) {
  struct {
    file_handle head;
    unsigned char bytes[MAX_HANDLE_SZ];
  } handle{};
  handle.head.handle_bytes = MAX_HANDLE_SZ;
  int mount = -1;
  const Tolerated tolerated("the session's network then goes to no other session");
  if (::name_to_handle_at(fd, "", &handle.head, &mount, AT_EMPTY_PATH) != 0) return {};
  const auto* const begin = reinterpret_cast<const char*>(handle.head.f_handle);
  return std::to_string(device) + ":" + std::to_string(handle.head.handle_type) + ":" +
         std::string(begin, handle.head.handle_bytes);
}

}  // namespace

Network Network::of(pid_t pid) {
  const std::string process = "/proc/" + std::to_string(pid);
  return {.descriptor = above_stdio(open_own(process, "/ns/net")),
          .sockets = above_stdio(open_own(process, "/net/sockstat"))};
}

SpareNetworks::SpareNetworks(Loopback loopback) : loopback_(loopback), most_(most_spare()) {}

SpareNetworks::~SpareNetworks() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wanted_or_stopping_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Network SpareNetworks::take(const std::string& key) {
  Network taken;
  {
    const std::lock_guard lock(mutex_);
    last_done_ = std::chrono::steady_clock::now();
    // Many programs open one session; one that opens two will open more.
    if (std::exchange(has_been_asked_, true) && !thread_.joinable()) thread_ = std::thread([this] { loop(); });
    taken = take_used(key);
    if (taken || ready_.empty()) return taken;
    taken = std::move(ready_.back());
    ready_.pop_back();
    // The thread waits only while there are as many as there may be.
    if (ready_.size() + 1 < most_) return taken;
  }
  wanted_or_stopping_.notify_all();
  return taken;
}

Network SpareNetworks::take_used(const std::string& key) {
  if (key.empty()) return {};
  const auto found = std::ranges::find(used_, key, &Used::key);
  if (found == used_.end()) return {};
  Network taken = std::move(found->network);
  used_.erase(found);
  return taken;
}

void SpareNetworks::give_back(Network network, std::string key) {
  if (!network || key.empty()) return;
  // defence: network-socket-goes-nobody
  if (!has_no_socket(network)) return;
  Used oldest;
  const std::lock_guard lock(mutex_);
  used_.push_back({.key = std::move(key), .network = std::move(network)});
  if (used_.size() <= most_) return;
  oldest = std::move(used_.front());
  used_.pop_front();
}

void SpareNetworks::give_way() {
  const std::lock_guard lock(mutex_);
  last_done_ = std::chrono::steady_clock::now();
}

void SpareNetworks::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wanted_or_stopping_.wait(lock, [this] { return is_stopping_ || ready_.size() < most_; });
    while (!is_stopping_ && std::chrono::steady_clock::now() < last_done_ + kPause)
      wanted_or_stopping_.wait_until(lock, last_done_ + kPause, [this] { return is_stopping_; });
    if (is_stopping_) return;
    lock.unlock();
    Network made = make_network(loopback_);
    lock.lock();
    // Sessions then make their own, and report why they cannot.
    if (!made) return;
    ready_.push_back(std::move(made));
  }
}

bool bring_up_loopback(Stopped& stopped) {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return stopped.at("network", "socket", "lo");
  // The kernel adds both addresses when it is brought up.
  ifreq loopback{};
  std::memcpy(loopback.ifr_name, "lo", sizeof("lo"));
  loopback.ifr_flags = IFF_UP;
  return ::ioctl(socket.get(), SIOCSIFFLAGS, &loopback) == 0 || stopped.at("network", "ioctl", "lo");
}

void NetworkPart::add_planned(NamespaceOpening& opening, Parts& parts) {
  if (opening.is_rest) return;
  auto network = std::make_unique<NetworkPart>(opening);
  opening.network = network.get();
  parts.push_back(std::move(network));
}

Status NetworkPart::make(Trace&) {
  const PlannedNetwork& planned = opening_.plan.network;
  if (planned.is_handed_in()) {
    auto opened = open_network(planned.handed_in);
    if (!opened) return std::move(opened.error());
    network_.descriptor = std::move(*opened);
    return {};
  }
  // A network in a user namespace of its own has to be made there.
  if (planned.is_host() || has_callers_id_only()) return {};
  key_ = key();
  network_ = opening_.host.spare_networks(planned).take(key_);
  return {};
}

Status NetworkPart::take_away(TakingAway&) {
  if (is_used_) opening_.host.spare_networks(opening_.plan.network).give_back(std::exchange(network_, {}), key_);
  return {};
}

bool NetworkPart::lacks_loopback() const {
  return opening_.plan.network.kind == PlannedNetwork::Kind::kLoopback && !network_;
}

void NetworkPart::is_in_use(pid_t init) {
  is_used_ = true;
  if (!key_.empty() && !network_) network_ = Network::of(init);
}

std::string NetworkPart::key() const {
  const EnvelopePlan& plan = opening_.plan;
  // The kernel lets a build that is root change more than counters (sysctl(8), net.*).
  // defence: network-root-goes-nobody
  if (plan.user.uid == 0) return {};
  if (plan.is_base || opening_.leases.empty()) return {};
  // defence: network-goes-same-build
  std::string key = std::to_string(plan.user.uid) + ":" + std::to_string(plan.user.gid);
  for (const OutputLease* const output : opening_.leases) {
    const std::string identity = identity_of(output->directory(), output->before()->dev);
    if (identity.empty()) return {};
    // defence: network-goes-sessions-same
    key += " " + identity;
  }
  return key;
}

}  // namespace buildjail
