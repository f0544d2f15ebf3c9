#include "linux/blanks.h"

#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "base/tolerated.h"

namespace buildjail {

namespace {

/** Enough for a burst of builds. Each is a process, and takes kernel memory. */
constexpr std::size_t kMost = 4;
/** Each takes two descriptors: together they take at most an eighth of those that this process may have. */
constexpr rlim_t kDescriptorsForOne = 16;
/** Together they take at most an eighth of the processes that this user may have. */
constexpr rlim_t kProcessesForOne = 8;
/**
 * After this time without work on a session one more blank is made. A long command does not delay it. The first blank
 * is made at once, beside a command.
 */
constexpr std::chrono::milliseconds kPause{2};
constexpr std::chrono::milliseconds kBesideCommand{10};
/** A blank that was not used for this long ends, because it keeps the host's mounts of its birth. */
constexpr std::chrono::seconds kUnused{60};

std::size_t most_blanks() {
  rlimit descriptors{};
  rlimit processes{};
  const Tolerated tolerated("no session is then begun ahead");
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0 || ::getrlimit(RLIMIT_NPROC, &processes) != 0) return 0;
  // defence: blanks-few-descriptors
  return static_cast<std::size_t>(
      std::min<rlim_t>({kMost, descriptors.rlim_cur / kDescriptorsForOne, processes.rlim_cur / kProcessesForOne}));
}

}  // namespace

BlankSessions::BlankSessions(const NamespaceHost& host, MountTable& mounts)
    : host_(host), mounts_(mounts), most_(most_blanks()) {}

// A blank of an ordinary user has the host's mounts as they were at its birth.
Birth BlankSessions::with_mounts(Birth birth) {
  if (!birth.is_callers()) return birth;
  const Tolerated tolerated("the session then begins without a blank");
  const auto version = mounts_.version();
  birth.mounts = version ? std::optional(*version) : std::nullopt;
  return birth;
}

void BlankSessions::end() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wanted_or_stopping_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::optional<Namespaces> BlankSessions::take(const Birth& birth) {
  const Birth wanted = with_mounts(birth);
  std::vector<Namespaces> stale;
  std::optional<Namespaces> taken;
  give_way();
  const std::lock_guard lock(mutex_);
  // Many programs open one session; one that opens two will open more.
  if (has_been_asked_ && !is_stopping_ && !thread_.joinable()) thread_ = std::thread([this] { loop(); });
  if (has_been_asked_) birth_ = birth;
  has_been_asked_ = true;
  while (!taken && !ready_.empty()) {
    const bool is_as_wanted = wanted.mounts && ready_.back().birth() == wanted;
    if (is_as_wanted)
      taken = std::move(ready_.back());
    else
      stale.push_back(std::move(ready_.back()));
    ready_.pop_back();
  }
  is_one_wanted_ = true;
  return taken;
}

void BlankSessions::give_way(bool to_command) {
  const std::lock_guard lock(mutex_);
  last_done_ = std::chrono::steady_clock::now();
  quiet_from_ = last_done_ + (to_command ? kBesideCommand : kPause);
}

void BlankSessions::refill(bool only_first) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_one_wanted_ || (only_first && !ready_.empty())) return;
    is_one_wanted_ = false;
  }
  wanted_or_stopping_.notify_all();
}

void BlankSessions::loop() {
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    const bool lacks_one = birth_ && !is_refused_ && ready_.size() < most_;
    const auto more = ready_.empty() ? last_done_ : quiet_from_;
    const auto due = lacks_one ? more : last_done_ + kUnused;
    if (!lacks_one && ready_.empty()) {
      wanted_or_stopping_.wait(lock);
    } else if (std::chrono::steady_clock::now() < due) {
      wanted_or_stopping_.wait_until(lock, due);
    } else if (lacks_one) {
      add(lock);
    } else {
      birth_.reset();
      auto unused = std::exchange(ready_, {});
      lock.unlock();
      unused.clear();
      lock.lock();
    }
  }
}

void BlankSessions::add(std::unique_lock<std::mutex>& lock) {
  const Birth birth = *birth_;
  lock.unlock();
  auto made = Namespaces::make_blank(host_, with_mounts(birth));
  lock.lock();
  // Sessions then make their own namespaces, and report why they cannot.
  is_refused_ = !made;
  if (made) ready_.push_back(std::move(*made));
}

}  // namespace buildjail
