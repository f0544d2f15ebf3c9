#include "freebsd/event_thread.h"

#include <array>
#include <cerrno>
#include <utility>

#include "base/result.h"
#include "base/signals.h"

namespace buildjail {

Result<std::shared_ptr<EventThread>> EventThread::start(const struct kevent& event, Tell tell) {
  UniqueFd queue(::kqueuex(KQUEUE_CLOEXEC));
  if (!queue) return last_error("wait", "kqueuex");
  std::array<struct kevent, 2> changes{event};
  EV_SET(&changes[1], 0, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, nullptr);
  if (::kevent(queue.get(), changes.data(), static_cast<int>(changes.size()), nullptr, 0, nullptr) < 0)
    return last_error("wait", "kevent");
  return caught("wait", [&] {
    // A thread begins with what is blocked where it was made: no handler of the host program's is to run on this one.
    const BlockedSignals blocked;
    return Result<std::shared_ptr<EventThread>>(std::make_shared<EventThread>(std::move(queue), std::move(tell)));
  });
}

EventThread::EventThread(UniqueFd queue, Tell tell)
    : queue_(std::move(queue)), tell_(std::move(tell)), thread_([this] { wait(); }) {}

EventThread::~EventThread() {
  struct kevent stop{};
  EV_SET(&stop, 0, EVFILT_USER, 0, NOTE_TRIGGER, 0, nullptr);
  static_cast<void>(::kevent(queue_.get(), &stop, 1, nullptr, 0, nullptr));
  thread_.join();
}

void EventThread::wait() const {
  for (;;) {
    struct kevent event{};
    const int count = ::kevent(queue_.get(), nullptr, 0, &event, 1, nullptr);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || event.filter == EVFILT_USER || !tell_(event)) return;
  }
}

}  // namespace buildjail
