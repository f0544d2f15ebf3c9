#include "network/lookups.h"

#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "base/signals.h"
#include "network/own_addresses.h"

namespace buildjail {

namespace {

constexpr std::size_t kMostThreads = 4;
constexpr std::chrono::seconds kIdle{5};

constexpr auto kSearch = RES_DEFNAMES | RES_DNSRCH;

/**
 * Makes this thread look up a name with a dot as it is written (resolv.conf(5), search). If it does not exist, the same
 * name with a domain of the host behind it is another name. A name without a dot is the host's own short form.
 */
bool search_only_for(bool is_short) {
  if ((_res.options & RES_INIT) == 0 && ::res_init() != 0) return false;
#ifdef RES_NORELOAD
  // To read the file again would change the options. This thread ends soon.
  _res.options |= RES_NORELOAD;
#endif
  _res.options |= kSearch;
  // defence: name-is-whole
  if (!is_short) _res.options &= ~kSearch;
  return true;
}

/** FreeBSD's C library reads a file that has changed again, and then goes by its own options (resolver(3)). */
bool has_searched_for(bool is_short) { return is_short || (_res.options & kSearch) == 0; }

struct FreeAddresses {
  void operator()(addrinfo* first) const { ::freeaddrinfo(first); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

/** The name that getaddrinfo(3) is asked for. */
std::string written_out(const std::string& name, bool is_short) {
#if defined(__GLIBC__) || defined(__FreeBSD__)
  static_cast<void>(is_short);
  return name;
#else
  // musl's does not look at _res, and has no search list for a name with a dot at its end (resolv.conf(5), ndots).
  return is_short ? name : name + ".";
#endif
}

/** Null for a name without addresses. */
Addresses addresses_of(const std::string& name) {
  const bool is_short = name.find('.') == std::string::npos;
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  const std::string asked = written_out(name, is_short);
  constexpr int kTries = 3;
  for (int i = 0; i < kTries && search_only_for(is_short); ++i) {
    addrinfo* first = nullptr;
    if (::getaddrinfo(asked.c_str(), nullptr, &hints, &first) != 0) first = nullptr;
    Addresses found(first);
    if (has_searched_for(is_short)) return found;
  }
  return nullptr;
}

}  // namespace

struct Lookups::State {
  struct Question {
    std::uint64_t number;
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
  std::vector<Address> declared{};
  /**
   * The questions that threads look up. They stay here, and their answers also go to later questions for the same name.
   */
  std::vector<std::pair<std::string, std::uint16_t>> under_way{};

  /** The first question that no thread looks up. */
  auto next() {
    return std::ranges::find_if(questions, [this](const Question& one) {
      return std::ranges::find(under_way, std::pair(one.name, one.port)) == under_way.end();
    });
  }
};

Lookups::Lookups(std::vector<Address> declared) : state_(std::make_shared<State>()) {
  state_->declared = std::move(declared);
}

Lookups::~Lookups() {
  const std::lock_guard lock(state_->mutex);
  state_->is_over = true;
  state_->questions.clear();
  state_->asked.notify_all();
}

void Lookups::forget(std::uint64_t number) {
  const std::lock_guard lock(state_->mutex);
  // defence: given-up-lookups-go
  std::erase_if(state_->questions, [&](const State::Question& one) { return one.number == number; });
}

void Lookups::ask(std::uint64_t number, std::string name, std::uint16_t port, Told told) {
  const std::lock_guard lock(state_->mutex);
  state_->questions.push_back({number, std::move(name), port, std::move(told)});
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
        state->asked.wait_for(lock, kIdle, [&] { return state->is_over || state->next() != state->questions.end(); });
    state->idle -= 1;
    if (!is_asked || state->is_over) break;
    const auto next = state->next();
    const std::pair asked(next->name, next->port);
    state->under_way.push_back(asked);
    lock.unlock();
    const Looked found = look_up(asked.first, asked.second, state->declared);
    lock.lock();
    std::erase(state->under_way, asked);
    const auto is_other = [&](const State::Question& one) { return asked != std::pair(one.name, one.port); };
    const auto answered = std::ranges::stable_partition(state->questions, is_other);
    for (const State::Question& one : answered) one.told(found);
    state->questions.erase(answered.begin(), answered.end());
  }
  state->threads -= 1;
}

Looked usable(std::vector<Address> found, const std::vector<Address>& of_host, const std::vector<Address>& declared) {
  /** An attempt to connect to each may run at the same time, in each connection of a session. */
  constexpr std::size_t kMostTried = 8;
  Looked looked;
  const auto is_refused = [&](const Address& one) {
    const auto is_that = [&](const Address& other) { return other.is_same_host(one) && other.port() == one.port(); };
    // The build may connect to it without a name, too.
    if (std::ranges::any_of(declared, is_that)) return false;
    // defence: name-leads-to-no-private
    if (one.is_private()) return true;
    const auto leads_there = [&, other = one.stands_for()](const Address& own) {
      return own.is_same_host(one) || (other && own.is_same_host(*other));
    };
    // defence: name-leads-not-to-host
    return std::ranges::any_of(of_host, leads_there);
  };
  const auto refused = std::ranges::stable_partition(found, std::not_fn(is_refused));
  if (!refused.empty()) looked.refused = refused.front();
  found.erase(refused.begin(), refused.end());
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
  // defence: few-attempts-of-connection
  if (looked.addresses.size() > kMostTried) looked.addresses.resize(kMostTried, found.front());
  return looked;
}

Looked look_up(const std::string& name, std::uint16_t port, const std::vector<Address>& declared) {
  /** Of both families: those of one may all be in front of the others. */
  constexpr std::size_t kMostAddresses = 32;
  const Addresses looked_up = addresses_of(name);
  if (!looked_up) return {};
  std::vector<Address> found;
  for (const addrinfo* one = looked_up.get(); one != nullptr && found.size() < kMostAddresses; one = one->ai_next) {
    if (const auto address = Address::from(*one->ai_addr)) found.push_back(address->at(port));
  }
  std::vector<Address> all = found;
  for (const Address& one : found) {
    if (const auto other = one.stands_for()) all.push_back(*other);
  }
  // If the host's own addresses are not known, every address counts as one.
  return usable(std::move(found), own_among(all).value_or(all), declared);
}

}  // namespace buildjail
