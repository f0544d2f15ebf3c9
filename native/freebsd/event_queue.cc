#include "launch/event_queue.h"

#include <sys/event.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/unique_fd.h"

namespace buildjail {

namespace {

constexpr Watched kWake{.number = 0, .token = 0};

class Kqueue final : public EventQueue {
 public:
  explicit Kqueue(UniqueFd fd) : fd_(std::move(fd)) {}

  // An exit that happened before is reported as well: a zombie can still be watched (kqueue(2), EVFILT_PROC).
  Status watch_process(Watched child, std::span<const Watched> readable) override {
    auto changes = reading(readable);
    changes.push_back(event_of(child, EVFILT_PROC, EV_ADD | EV_ONESHOT, NOTE_EXIT));
    return change(changes);
  }

  Status watch_readable(std::span<const Watched> readable) override { return change(reading(readable)); }

  // Closing does it (kqueue(2), close).
  void forget_readable(int) override {}

  void wake() override {
    const auto trigger = event_of(kWake, EVFILT_USER, 0, NOTE_TRIGGER);
    static_cast<void>(change({&trigger, 1}));
  }

  std::span<Event> wait(std::span<Event> events, std::optional<std::chrono::milliseconds> bound) override {
    std::array<struct kevent, 32> raw{};
    const int room = static_cast<int>(std::min(raw.size(), events.size()));
    const timespec longest = timespec_of(bound.value_or(std::chrono::milliseconds(0)));
    const int count = ::kevent(fd_.get(), nullptr, 0, raw.data(), room, bound ? &longest : nullptr);
    for (int i = 0; i < count; ++i) {
      const auto& from = raw.at(static_cast<std::size_t>(i));
      events[static_cast<std::size_t>(i)] = {kind_of(from.filter), reinterpret_cast<std::uint64_t>(from.udata)};
    }
    return events.first(static_cast<std::size_t>(std::max(count, 0)));
  }

  Status open() {
    const auto wake = event_of(kWake, EVFILT_USER, EV_ADD | EV_CLEAR, 0);
    return change({&wake, 1});
  }

 private:
  static timespec timespec_of(std::chrono::milliseconds duration) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
    return {.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(duration - seconds).count()};
  }

  static Event::Kind kind_of(short filter) {
    if (filter == EVFILT_PROC) return Event::Kind::kExited;
    return filter == EVFILT_READ ? Event::Kind::kReadable : Event::Kind::kWoken;
  }

  static struct kevent event_of(Watched watched, short filter, int flags, unsigned fflags) {
    struct kevent event{};
    EV_SET(&event, static_cast<uintptr_t>(watched.number), filter, static_cast<unsigned short>(flags), fflags, 0,
           reinterpret_cast<void*>(watched.token));
    return event;
  }

  static std::vector<struct kevent> reading(std::span<const Watched> readable) {
    std::vector<struct kevent> changes;
    changes.reserve(readable.size() + 1);
    for (const Watched& one : readable) changes.push_back(event_of(one, EVFILT_READ, EV_ADD, 0));
    return changes;
  }

  Status change(std::span<const struct kevent> changes) const {
    if (changes.empty()) return {};
    const int count = static_cast<int>(changes.size());
    if (::kevent(fd_.get(), changes.data(), count, nullptr, 0, nullptr) < 0) return last_error("wait", "kevent");
    return {};
  }

  UniqueFd fd_;
};

}  // namespace

Result<std::unique_ptr<EventQueue>> EventQueue::create() {
  UniqueFd fd(::kqueuex(KQUEUE_CLOEXEC));
  if (!fd) return last_error("wait", "kqueuex");
  auto queue = std::make_unique<Kqueue>(std::move(fd));
  if (auto status = queue->open(); !status) return std::move(status.error());
  return std::unique_ptr<EventQueue>(std::move(queue));
}

}  // namespace buildjail
