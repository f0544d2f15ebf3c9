#include "network/lookups.h"

#include <ifaddrs.h>
#include <netdb.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "base/signals.h"

namespace buildjail {

namespace {

constexpr std::size_t kMostThreads = 4;
constexpr std::chrono::seconds kIdle{5};

/** The addresses of this host's own interfaces. Nothing if they cannot be read. */
std::optional<std::vector<Address>> addresses_of_host() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return std::nullopt;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owned(first, &::freeifaddrs);
  std::vector<Address> found;
  for (const ifaddrs* one = first; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    if (const auto address = Address::from(*one->ifa_addr)) found.push_back(*address);
  }
  return found;
}

}  // namespace

struct Lookups::State {
  struct Question {
    std::string name;
    std::uint16_t port;
    Told told;
  };

  std::mutex mutex;
  std::condition_variable asked;
  std::deque<Question> questions;
  std::size_t threads = 0;
  std::size_t idle = 0;
  bool is_over = false;
};

Lookups::Lookups() : state_(std::make_shared<State>()) {}

Lookups::~Lookups() {
  const std::lock_guard lock(state_->mutex);
  state_->is_over = true;
  state_->questions.clear();
  state_->asked.notify_all();
}

void Lookups::ask(std::string name, std::uint16_t port, Told told) {
  const std::lock_guard lock(state_->mutex);
  state_->questions.push_back({std::move(name), port, std::move(told)});
  state_->asked.notify_one();
  if (state_->idle >= state_->questions.size() || state_->threads >= kMostThreads) return;
  try {
    // The thread has the mask of the one that makes it (pthread_create(3)): no handler of the host program runs in it.
    const BlockedSignals blocked;
    std::thread([state = state_] { loop(state); }).detach();
    state_->threads += 1;
  } catch (const std::system_error&) {
    if (state_->threads > 0) return;
    const State::Question last = std::move(state_->questions.back());
    state_->questions.pop_back();
    last.told({});
  }
}

void Lookups::loop(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  for (;;) {
    state->idle += 1;
    const bool is_asked =
        state->asked.wait_for(lock, kIdle, [&] { return state->is_over || !state->questions.empty(); });
    state->idle -= 1;
    if (!is_asked || state->is_over) break;
    const State::Question question = std::move(state->questions.front());
    state->questions.pop_front();
    lock.unlock();
    Looked found = look_up(question.name, question.port);
    lock.lock();
    if (!state->is_over) question.told(std::move(found));
  }
  state->threads -= 1;
}

Looked usable(std::vector<Address> found, const std::vector<Address>& of_host) {
  Looked looked;
  const auto count = std::erase_if(found, [&](const Address& one) {
    // defence: name-leads-to-no-private
    if (one.is_private()) return true;
    // defence: name-leads-not-to-host
    return std::ranges::any_of(of_host, [&](const Address& own) { return own.is_same_host(one); });
  });
  looked.has_private = count > 0;
  if (found.empty()) return looked;
  const bool is_ipv6_first = found.front().is_ipv6();
  std::deque<Address> first;
  std::deque<Address> second;
  for (const Address& one : found) (one.is_ipv6() == is_ipv6_first ? first : second).push_back(one);
  while (!first.empty() || !second.empty()) {
    for (auto* const next : {&first, &second}) {
      if (next->empty()) continue;
      looked.addresses.push_back(next->front());
      next->pop_front();
    }
  }
  return looked;
}

Looked look_up(const std::string& name, std::uint16_t port) {
  /** More are of no use within the time of a connection. */
  constexpr std::size_t kMostAddresses = 32;
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* first = nullptr;
  if (::getaddrinfo(name.c_str(), nullptr, &hints, &first) != 0) return {};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(first, &::freeaddrinfo);
  std::vector<Address> found;
  for (const addrinfo* one = first; one != nullptr && found.size() < kMostAddresses; one = one->ai_next) {
    if (const auto address = Address::from(*one->ai_addr)) found.push_back(address->at(port));
  }
  const auto of_host = addresses_of_host();
  // Without them nothing tells that an address is not the host's.
  if (!of_host) return {.addresses = {}, .has_private = !found.empty()};
  return usable(std::move(found), *of_host);
}

}  // namespace buildjail
