#include "freebsd/dying_networks.h"

#include <chrono>
#include <utility>

#include "base/back_off.h"
#include "freebsd/jail.h"

namespace buildjail {

namespace {

constexpr std::chrono::milliseconds kBound{10'000};

}  // namespace

void DyingNetworks::add(std::string jail_name) {
  const std::lock_guard lock(mutex_);
  names_.push_back(std::move(jail_name));
}

void DyingNetworks::forget_dead() {
  std::erase_if(names_, [](const std::string& name) {
    const auto found = find_jail(name);
    return found && !*found;
  });
}

void DyingNetworks::wait_until_few() {
  BackOff back_off(kBound);
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      // defence: networks-being-taken-away
      if (names_.size() < kMany) return;
      forget_dead();
      if (names_.size() < kMany) return;
    }
    if (back_off.wait()) continue;
    const std::lock_guard lock(mutex_);
    names_.pop_front();
    return;
  }
}

}  // namespace buildjail
