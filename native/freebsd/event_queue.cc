#include "core/event_queue.h"

#include <sys/types.h>
#include <sys/event.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/unique_fd.h"

namespace buildjail {

namespace {

constexpr uintptr_t kWakeIdent = 0;

class Kqueue final : public EventQueue {
 public:
  explicit Kqueue(UniqueFd fd) : fd_(std::move(fd)) {}

  Status watch_exit(pid_t pid, std::uint64_t token) override {
    // An exit that happened before is told as well: a zombie can still be attached to (kqueue(2), EVFILT_PROC).
    return add(static_cast<uintptr_t>(pid), EVFILT_PROC, EV_ONESHOT, NOTE_EXIT, token);
  }

  Status watch_readable(int fd, std::uint64_t token) override {
    return add(static_cast<uintptr_t>(fd), EVFILT_READ, 0, 0, token);
  }

  // Closing does it (kqueue(2), close).
  void forget_readable(int) override {}

  void wake() override { static_cast<void>(change(kWakeIdent, EVFILT_USER, 0, NOTE_TRIGGER, 0)); }

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

  Status open() { return add(kWakeIdent, EVFILT_USER, EV_CLEAR, 0, 0); }

 private:
  static timespec timespec_of(std::chrono::milliseconds duration) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
    return {.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(duration - seconds).count()};
  }

  static Event::Kind kind_of(short filter) {
    if (filter == EVFILT_PROC) return Event::Kind::kExited;
    return filter == EVFILT_READ ? Event::Kind::kReadable : Event::Kind::kWoken;
  }

  Status add(uintptr_t ident, short filter, unsigned short flags, unsigned fflags, std::uint64_t token) const {
    return change(ident, filter, static_cast<unsigned short>(EV_ADD | flags), fflags, token);
  }

  Status change(uintptr_t ident, short filter, unsigned short flags, unsigned fflags, std::uint64_t token) const {
    struct kevent event{};
    EV_SET(&event, ident, filter, flags, fflags, 0, reinterpret_cast<void*>(token));
    if (::kevent(fd_.get(), &event, 1, nullptr, 0, nullptr) < 0) return last_error("wait", "kevent");
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
