#include "linux/call_notices.h"

#include <poll.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <new>
#include <optional>
#include <utility>

#include "base/signals.h"
#include "base/tolerated.h"

namespace buildjail {

namespace {

// By number: the kernel's headers are not installed wherever a compiler is (linux/seccomp.h). The number of a request
// has the size of its structure in it.
constexpr unsigned long kReceive = 0xc0502100;
constexpr unsigned long kSend = 0xc0182101;
/** The direction is wrong, and the only one that kernels before 5.17 know. */
constexpr unsigned long kIsValid = 0x80082102;

/** struct seccomp_notif, with struct seccomp_data in it. */
struct Notice {
  std::uint64_t id;
  std::uint32_t thread;
  std::uint32_t flags;
  std::int32_t number;
  std::uint32_t architecture;
  std::uint64_t instruction_pointer;
  std::array<std::uint64_t, 6> arguments;
};
static_assert(sizeof(Notice) == 80);

/** SECCOMP_IOCTL_NOTIF_SET_FLAGS with SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP. */
constexpr unsigned long kSetFlags = 0x40082104;
constexpr unsigned long kOnThisProcessor = 1;
constexpr int kTries = 4;
/** SECCOMP_USER_NOTIF_FLAG_CONTINUE: the kernel makes the call. */
constexpr std::uint32_t kGoesOn = 1;

/** struct seccomp_notif_resp. */
struct Answer {
  std::uint64_t id;
  std::int64_t value;
  std::int32_t error;
  std::uint32_t flags;
};
static_assert(sizeof(Answer) == 24);

}  // namespace

CallNotices::~CallNotices() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  if (queue_) queue_->wake();
  if (thread_.joinable()) thread_.join();
}

Result<std::unique_ptr<CallNotices::Watch>> CallNotices::watch(UniqueFd listener, AnswerCall answer) {
  const std::lock_guard lock(mutex_);
  if (!queue_) {
    auto made = EventQueue::create();
    if (!made) return std::move(made.error());
    queue_ = std::move(*made);
  }
  if (!thread_.joinable()) {
    const BlockedSignals blocked;
    thread_ = std::thread([this] { loop(); });
  }
  const int fd = listener.get();
  {
    // Caller and answerer wait for each other in turn: on one processor that takes half the time. Since Linux 6.6.
    const Tolerated tolerated("an answer then takes longer");
    static_cast<void>(::ioctl(fd, kSetFlags, kOnThisProcessor));
  }
  const std::uint64_t token = ++last_token_;
  sessions_.emplace(token, std::make_shared<const Session>(std::move(listener), std::move(answer)));
  const Watched watched{.number = fd, .token = token};
  if (auto status = queue_->watch_readable({&watched, 1}); !status) {
    sessions_.erase(token);
    return std::move(status.error());
  }
  return std::make_unique<Watch>(*this, token);
}

void CallNotices::forget(std::uint64_t token) {
  std::unique_lock lock(mutex_);
  const auto session = sessions_.extract(token);
  if (session.empty()) return;
  queue_->forget_readable(session.mapped()->listener.get());
  // The outputs come back next, and nothing may change in them any more.
  served_.wait(lock, [&] { return serving_ != token; });
}

void CallNotices::loop() {
  BorrowedRights rights;
  std::array<Event, 32> room{};
  for (;;) {
    for (const Event& event : queue_->wait(room, std::nullopt)) {
      std::unique_lock lock(mutex_);
      if (is_stopping_) return;
      const auto found = sessions_.find(event.token);
      if (event.kind != Event::Kind::kReadable || found == sessions_.end()) continue;
      const auto session = found->second;
      serving_ = event.token;
      lock.unlock();
      serve(*session, rights);
      lock.lock();
      serving_ = 0;
      served_.notify_all();
    }
  }
}

void CallNotices::serve(const Session& session, BorrowedRights& rights) {
  const Tolerated tolerated("the call fails, or its caller has ended");
  const int listener = session.listener.get();
  // The caller may have been killed since, and to receive a notice waits for one.
  pollfd waiting{.fd = listener, .events = POLLIN, .revents = 0};
  if (::poll(&waiting, 1, 0) <= 0) return;
  // The last process with the filter has ended.
  if ((waiting.revents & POLLIN) == 0) return queue_->forget_readable(listener);
  Notice notice{};
  if (::ioctl(listener, kReceive, &notice) != 0) return;
  const auto is_waiting = [&] { return ::ioctl(listener, kIsValid, &notice.id) == 0; };
  CallAnswer made{.err = EPERM};
  try {
    made = session.answer({.thread = static_cast<pid_t>(notice.thread),
                           .number = notice.number,
                           .arguments = notice.arguments,
                           .is_waiting = is_waiting},
                          rights);
  } catch (const std::bad_alloc&) {
    made.err = ENOMEM;
  }
  rights.give_back();
  Answer answer{
      .id = notice.id, .value = 0, .error = made.goes_on ? 0 : -made.err, .flags = made.goes_on ? kGoesOn : 0};
  // Without an answer the caller waits for ever. ENOENT: it waits no more (seccomp_unotify(2)).
  for (int tries = 0; tries < kTries && ::ioctl(listener, kSend, &answer) != 0 && errno != ENOENT; ++tries) continue;
}

}  // namespace buildjail
