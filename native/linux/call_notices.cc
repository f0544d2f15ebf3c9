#include "linux/call_notices.h"

#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <new>
#include <optional>
#include <utility>

#include "base/signals.h"
#include "base/tolerated.h"

namespace buildjail {

namespace {

constexpr std::chrono::milliseconds kRetry{100};

// By number: the kernel's headers are not installed wherever a compiler is (linux/seccomp.h). The number of a request
// has the size of its structure in it.
constexpr unsigned long kReceive = 0xc0502100;
constexpr unsigned long kSend = 0xc0182101;
/** The direction in this number is wrong. Kernels before 5.17 know no other. */
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
  if (!thread_.joinable()) return;
  wake();
  thread_.join();
}

void CallNotices::wake() const {
  const std::uint64_t one = 1;
  const Tolerated tolerated("it is tried again");
  // The caller waits for the end of the thread, so a failed wake-up is tried again. EAGAIN: the thread is woken already
  // (eventfd(2)).
  for (int tries = 0; tries < kTries && ::write(wake_.get(), &one, sizeof(one)) < 0 && errno != EAGAIN; ++tries)
    continue;
}

Result<std::unique_ptr<CallNotices::Watch>> CallNotices::watch(UniqueFd listener, AnswerCall answer) {
  const std::lock_guard lock(mutex_);
  if (!wake_) wake_ = above_stdio(UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)));
  if (!wake_) return last_error("wait", "eventfd");
  if (!thread_.joinable()) {
    const BlockedSignals blocked;
    thread_ = std::thread([this] { loop(); });
  }
  {
    // The calling process and this thread wait for each other in turn, which takes half the time on one processor.
    // Since Linux 6.6.
    const Tolerated tolerated("an answer then takes longer");
    static_cast<void>(::ioctl(listener.get(), kSetFlags, kOnThisProcessor));
  }
  const std::uint64_t token = ++last_token_;
  sessions_.emplace(token, std::make_shared<Session>(std::move(listener), std::move(answer)));
  is_changed_ = true;
  wake();
  return std::make_unique<Watch>(*this, token);
}

void CallNotices::forget(std::uint64_t token) {
  std::unique_lock lock(mutex_);
  const auto session = sessions_.extract(token);
  if (session.empty()) return;
  if (!session.mapped()->is_over) {
    // The thread lets go of the listener before it is closed.
    is_changed_ = true;
    wake();
  }
  // The outputs come back next, so no answer may change a file in them any more.
  served_.wait(lock, [&] { return serving_ != token; });
}

void CallNotices::list(Awaited& awaited) const {
  awaited.files.assign({{.fd = wake_.get(), .events = POLLIN, .revents = 0}});
  awaited.tokens.assign({0});
  for (const auto& [token, session] : sessions_) {
    if (session->is_over) continue;
    awaited.files.push_back({.fd = session->listener.get(), .events = POLLIN, .revents = 0});
    awaited.tokens.push_back(token);
  }
}

// Not by epoll(7): that wakes this thread on another processor than the caller's, whatever the listener asks for.
void CallNotices::loop() {
  BorrowedRights rights;
  Awaited awaited;
  std::size_t last = 0;
  for (bool is_listed = false;;) {
    try {
      const std::lock_guard lock(mutex_);
      if (is_stopping_) return;
      if (is_changed_ || !is_listed) list(awaited);
      is_listed = true;
      is_changed_ = false;
    } catch (const std::bad_alloc&) {
      is_listed = false;
      std::this_thread::sleep_for(kRetry);
      continue;
    }
    if (::poll(awaited.files.data(), awaited.files.size(), -1) < 0) {
      if (errno != EINTR) std::this_thread::sleep_for(kRetry);
      continue;
    }
    if (std::uint64_t count = 0; awaited.files.front().revents != 0)
      static_cast<void>(::read(wake_.get(), &count, sizeof(count)));
    // Answers one call of one session, then looks at all sessions again, beginning with the one after it.
    for (std::size_t step = 1; step <= awaited.files.size(); ++step) {
      const std::size_t at = (last + step) % awaited.files.size();
      if (at == 0 || awaited.files[at].revents == 0) continue;
      turn(awaited.tokens[at], awaited.files[at].revents, rights);
      last = at;
      break;
    }
  }
}

void CallNotices::turn(std::uint64_t token, short events, BorrowedRights& rights) {
  std::unique_lock lock(mutex_);
  const auto found = sessions_.find(token);
  if (found == sessions_.end()) return;
  const auto session = found->second;
  if ((events & POLLIN) == 0) {
    session->is_over = true;
    is_changed_ = true;
    return;
  }
  serving_ = token;
  lock.unlock();
  serve(*session, rights);
  lock.lock();
  serving_ = 0;
  served_.notify_all();
}

// If the calling process was killed meanwhile there is no notice, and the call returns at once (seccomp_unotify(2),
// ENOENT).
void CallNotices::serve(const Session& session, BorrowedRights& rights) {
  const Tolerated tolerated("the call fails, or its caller has ended");
  const int listener = session.listener.get();
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
  // Without an answer the calling process waits for ever. ENOENT: it does not wait any more (seccomp_unotify(2)).
  for (int tries = 0; tries < kTries && ::ioctl(listener, kSend, &answer) != 0 && errno != ENOENT; ++tries) continue;
}

}  // namespace buildjail
