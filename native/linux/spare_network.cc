#include "linux/spare_network.h"

#include <fcntl.h>
#include <sched.h>

#include <utility>

#include "core/above_stdio.h"
#include "linux/clone_child.h"

namespace buildjail {

namespace {

// In a child, since a namespace is moved into and not just made; the descriptor is ours as well, by CLONE_FILES.
void open_own_network(void* fd) { *static_cast<int*>(fd) = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC); }

UniqueFd make_network() {
  ChildStack stack;
  int fd = -1;
  const pid_t child = clone_child(CLONE_NEWNET | CLONE_FILES, open_own_network, &fd, stack);
  if (child > 0) reap_clone(child);
  return above_stdio(UniqueFd(fd));
}

}  // namespace

SpareNetwork::~SpareNetwork() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wanted_or_stopping_.notify_all();
  if (thread_.joinable()) thread_.join();
}

UniqueFd SpareNetwork::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(ready_, UniqueFd());
}

void SpareNetwork::replace() {
  const std::lock_guard lock(mutex_);
  is_wanted_ = true;
  if (!thread_.joinable()) thread_ = std::thread([this] { loop(); });
  wanted_or_stopping_.notify_all();
}

void SpareNetwork::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wanted_or_stopping_.wait(lock, [this] { return is_stopping_ || is_wanted_; });
    if (is_stopping_) return;
    is_wanted_ = false;
    if (ready_) continue;
    lock.unlock();
    UniqueFd made = make_network();
    lock.lock();
    ready_ = std::move(made);
  }
}

}  // namespace buildjail
