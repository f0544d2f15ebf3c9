#include "linux/spare_networks.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <string_view>
#include <utility>

#include "base/unique_fd.h"
#include "linux/clone_child.h"
#include "linux/loopback.h"

namespace buildjail {

namespace {

/** What a burst of builds can have; each is some kernel memory. */
constexpr std::size_t kMost = 16;
/**
 * Each takes two descriptors, and there are new ones and used ones, with a loopback and without: at most an eighth of
 * what this process may have.
 */
constexpr rlim_t kDescriptorsForOne = 64;
constexpr std::chrono::milliseconds kPause{2};

UniqueFd open_own(const std::string& process, const char* name) {
  return UniqueFd(::open((process + name).c_str(), O_RDONLY | O_CLOEXEC));
}

struct Making {
  bool has_loopback = false;
  int space = -1;
  int sockets = -1;
};

// In a child, since a namespace is moved into and not just made; the descriptors are ours as well, by CLONE_FILES.
void open_own_network(void* context) {
  auto& making = *static_cast<Making*>(context);
  if (making.has_loopback && bring_up_loopback() != nullptr) return;
  making.space = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  making.sockets = ::open("/proc/self/net/sockstat", O_RDONLY | O_CLOEXEC);
}

Network make_network(SpareNetworks::Loopback loopback) {
  ChildStack stack;
  Making making{.has_loopback = loopback == SpareNetworks::Loopback::kUp};
  const pid_t child = clone_child(CLONE_NEWNET | CLONE_FILES, open_own_network, &making, stack);
  if (child > 0) reap_clone(child);
  return {.space = above_stdio(UniqueFd(making.space)), .sockets = above_stdio(UniqueFd(making.sockets))};
}

// The kernel's own are not counted, and one that is on its way in a message is, whoever is dead (unix(7), SCM_RIGHTS).
// Where something is up, a connection that has ended has its ports for a minute more, without a socket (tcp(7)).
bool has_no_socket(const Network& network) {
  std::array<char, 512> text{};
  const ssize_t got = ::pread(network.sockets.get(), text.data(), text.size(), 0);
  const std::string_view counts(text.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (!counts.starts_with("sockets: used 0\n")) return false;
  // defence: network-connection-yet-forgotten
  return counts.find(" tw 0 ") != std::string_view::npos;
}

std::size_t most_spare() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  // defence: spare-networks-few-descriptors
  return static_cast<std::size_t>(std::min<rlim_t>(kMost, limit.rlim_cur / kDescriptorsForOne));
}

}  // namespace

Network Network::of(pid_t pid) {
  const std::string process = "/proc/" + std::to_string(pid);
  return {.space = above_stdio(open_own(process, "/ns/net")),
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

Network SpareNetworks::take(const std::string& whose) {
  Network taken;
  {
    const std::lock_guard lock(mutex_);
    last_done_ = std::chrono::steady_clock::now();
    // Who has opened two sessions will open more; many programs open one.
    if (std::exchange(has_been_asked_, true) && !thread_.joinable()) thread_ = std::thread([this] { loop(); });
    taken = take_used(whose);
    if (taken || ready_.empty()) return taken;
    taken = std::move(ready_.back());
    ready_.pop_back();
    // While it was full nothing was waited for.
    if (ready_.size() + 1 < most_) return taken;
  }
  wanted_or_stopping_.notify_all();
  return taken;
}

Network SpareNetworks::take_used(const std::string& whose) {
  if (whose.empty()) return {};
  const auto found = std::ranges::find(used_, whose, &Used::whose);
  if (found == used_.end()) return {};
  Network taken = std::move(found->network);
  used_.erase(found);
  return taken;
}

void SpareNetworks::give_back(Network network, std::string whose) {
  if (!network || whose.empty()) return;
  // defence: network-socket-goes-nobody
  if (!has_no_socket(network)) return;
  Used oldest;
  const std::lock_guard lock(mutex_);
  used_.push_back({.whose = std::move(whose), .network = std::move(network)});
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
    // Without any, sessions make their own, and say why they cannot.
    if (!made) return;
    ready_.push_back(std::move(made));
  }
}

}  // namespace buildjail
