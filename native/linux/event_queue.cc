#include "launch/event_queue.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/tolerated.h"
#include "base/unique_fd.h"

namespace buildjail {

namespace {

/** The token of our own descriptor. The tokens of other descriptors stay small. */
constexpr std::uint64_t kWake = ~std::uint64_t{0};

class Epoll final : public EventQueue {
 public:
  Epoll(UniqueFd fd, UniqueFd wake) : fd_(std::move(fd)), wake_(std::move(wake)) {}

  Status watch_readable(std::span<const Watched> readable) override {
    for (const auto& [fd, token] : readable) {
      if (auto status = add(fd, token); !status) return status;
    }
    return {};
  }

  Status watch_room(Watched watched, bool is_wanted) override {
    epoll_event event{.events = EPOLLIN | (is_wanted ? EPOLLOUT : 0U), .data = {.u64 = watched.token}};
    if (::epoll_ctl(fd_.get(), EPOLL_CTL_MOD, watched.number, &event) == 0) return {};
    return last_error("wait", "epoll_ctl");
  }

  // Closing is not enough: a child that another thread has just made has the descriptor too until it executes, and its
  // events would be reported again and again (epoll(7), "Will closing a file descriptor").
  void forget_readable(int fd) override { static_cast<void>(::epoll_ctl(fd_.get(), EPOLL_CTL_DEL, fd, nullptr)); }

  void wake() override {
    constexpr int kTries = 4;
    const std::uint64_t one = 1;
    const Tolerated tolerated("it is tried again");
    // The caller waits for the end of the thread, so a failed wake-up is tried again. EAGAIN: the thread is woken
    // already (eventfd(2)).
    for (int tries = 0; tries < kTries && ::write(wake_.get(), &one, sizeof(one)) < 0 && errno != EAGAIN; ++tries)
      continue;
  }

  std::span<Event> wait(std::span<Event> events, std::optional<std::chrono::milliseconds> bound) override {
    std::array<epoll_event, 32> raw{};
    const int room = static_cast<int>(std::min(raw.size(), events.size()));
    const int count = ::epoll_wait(fd_.get(), raw.data(), room, bound ? static_cast<int>(bound->count()) : -1);
    const auto told = events.first(static_cast<std::size_t>(std::max(count, 0)));
    for (std::size_t i = 0; i < told.size(); ++i) told[i] = take(raw.at(i).data.u64);
    return told;
  }

  Status open() const { return add(wake_.get(), kWake); }

 private:
  Event take(std::uint64_t token) const {
    if (token != kWake) return {Event::Kind::kReadable, token};
    std::uint64_t count = 0;
    static_cast<void>(::read(wake_.get(), &count, sizeof(count)));
    return {Event::Kind::kWoken, token};
  }

  Status add(int fd, std::uint64_t token) const {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = token}};
    if (::epoll_ctl(fd_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return {};
    return last_error("wait", "epoll_ctl");
  }

  UniqueFd fd_;
  UniqueFd wake_;
};

}  // namespace

Result<std::unique_ptr<EventQueue>> EventQueue::create() {
  UniqueFd fd(::epoll_create1(EPOLL_CLOEXEC));
  if (!fd) return last_error("wait", "epoll_create1");
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return last_error("wait", "eventfd");
  auto queue = std::make_unique<Epoll>(std::move(fd), std::move(wake));
  if (auto status = queue->open(); !status) return std::move(status.error());
  return std::unique_ptr<EventQueue>(std::move(queue));
}

}  // namespace buildjail
