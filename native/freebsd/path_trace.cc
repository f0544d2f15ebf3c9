#include "freebsd/path_trace.h"

#include <sys/param.h>
#include <sys/event.h>
#include <sys/ktrace.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <new>
#include <span>
#include <utility>

#include "base/signals.h"
#include "base/tolerated.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "trace";
constexpr std::size_t kRead = std::size_t{256} * 1024;
/** The longest records are the arguments of execve(2) (kern.argmax). */
constexpr std::size_t kLongestRecord = std::size_t{16} * 1024 * 1024;
constexpr std::int64_t kLargestPage = std::int64_t{64} * 1024;
constexpr std::int64_t kEmptiedAtOnce = std::int64_t{1} * 1024 * 1024;
/** A pause lets many records be read at once. */
constexpr std::chrono::milliseconds kPause{2};

/** As exact as the times of files are (vfs.timestamp_precision). */
std::int64_t in_us(const timespec& time) {
  constexpr std::int64_t kSecond = 1'000'000;
  return time.tv_sec * kSecond + time.tv_nsec / 1000;
}

struct kevent event_of(const UniqueFd& file, short filter, int flags, unsigned what) {
  struct kevent event{};
  EV_SET(&event, static_cast<uintptr_t>(file.get()), filter, static_cast<unsigned short>(flags), what, 0, nullptr);
  return event;
}

}  // namespace

Status PathTrace::begin(std::string file, const std::string& root) {
  root_ = above_stdio(UniqueFd(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)));
  if (!root_) return last_error(kStep, "open", root);
  file_.reset(::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  file_ = above_stdio(std::move(file_));
  if (!file_) return last_error(kStep, "open", file);
  queue_ = above_stdio(UniqueFd(::kqueuex(KQUEUE_CLOEXEC)));
  if (!queue_) return last_error(kStep, "kqueuex");
  const std::array watched{event_of(file_, EVFILT_VNODE, EV_ADD | EV_CLEAR, NOTE_WRITE | NOTE_EXTEND),
                           event_of(queue_, EVFILT_USER, EV_ADD | EV_CLEAR, 0)};
  if (::kevent(queue_.get(), watched.data(), static_cast<int>(watched.size()), nullptr, 0, nullptr) < 0)
    return last_error(kStep, "kevent");
  path_ = std::move(file);
  return caught(kStep, [this]() -> Status {
    buffer_.resize(kRead);
    thread_ = std::thread([this] { loop(); });
    return {};
  });
}

Status PathTrace::wake() const {
  const auto trigger = event_of(queue_, EVFILT_USER, 0, NOTE_TRIGGER);
  return ::kevent(queue_.get(), &trigger, 1, nullptr, 0, nullptr) < 0 ? last_error(kStep, "kevent") : Status();
}

void PathTrace::loop() {
  // No handler of the host program must run here.
  const BlockedSignals blocked;
  for (;;) {
    std::array<struct kevent, 2> happened{};
    const int count = ::kevent(queue_.get(), nullptr, 0, happened.data(), static_cast<int>(happened.size()), nullptr);
    const auto told = std::span(happened).first(static_cast<std::size_t>(std::max(count, 0)));
    if (std::ranges::any_of(told, [](const auto& one) { return one.filter == EVFILT_USER; })) return;
    {
      const std::lock_guard lock(mutex_);
      read();
    }
    std::this_thread::sleep_for(kPause);
  }
}

std::vector<std::byte> PathTrace::pack() {
  const std::lock_guard lock(mutex_);
  read();
  return seen_->pack();
}

void PathTrace::end_thread() {
  if (!thread_.joinable()) return;
  // Its end is waited for.
  constexpr int kTries = 4;
  const Tolerated tolerated("it is tried again");
  for (int tries = 0; tries < kTries && !wake(); ++tries) continue;
  thread_.join();
}

void PathTrace::finish() {
  end_thread();
  const std::lock_guard lock(mutex_);
  if (file_) {
    read();
    try {
      processes_.finish();
    } catch (const std::bad_alloc&) {
      seen_->lose();
    }
  }
  // Also if the thread did not begin: an open file of the session's root keeps the root mounted.
  file_.reset();
  root_.reset();
  queue_.reset();
}

void PathTrace::read() {
  try {
    read_records();
  } catch (const std::bad_alloc&) {
    stop_reading();
  }
}

void PathTrace::read_records() {
  if (!file_ || is_unreadable_) return;
  const Tolerated tolerated("what is not read is counted as lost");
  // The size is asked under the lock that a writer of the file holds (vn_statfile, ktr_writerequest), so what is before
  // it was written to its end. To read does not take that lock (tmpfs_read_pgcache).
  struct stat status{};
  if (::fstat(file_.get(), &status) != 0) return stop_reading();
  while (offset_ < status.st_size) {
    const auto wanted = std::min<std::size_t>(buffer_.size(), static_cast<std::size_t>(status.st_size - offset_));
    const ssize_t got = ::pread(file_.get(), buffer_.data(), wanted, offset_);
    if (got <= 0) return stop_reading();
    const std::size_t taken = take(std::span(buffer_).first(static_cast<std::size_t>(got)));
    if (is_unreadable_) return;
    if (taken == 0 && buffer_.size() >= kLongestRecord) return stop_reading();
    if (taken == 0) buffer_.resize(2 * buffer_.size());
    offset_ += static_cast<std::int64_t>(taken);
    if (offset_ - emptied_ < kEmptiedAtOnce) continue;
    // By whole pages: one that is emptied in halves stays.
    const std::int64_t end = offset_ - offset_ % kLargestPage;
    const spacectl_range range{.r_offset = emptied_, .r_len = end - emptied_};
    // defence: trace-file-emptied
    if (::fspacectl(file_.get(), SPACECTL_DEALLOC, &range, 0, nullptr) != 0) return stop_reading();
    emptied_ = end;
  }
}

std::size_t PathTrace::take(std::span<const std::byte> read) {
  std::size_t taken = 0;
  for (;;) {
    const auto rest = read.subspan(taken);
    ktr_header header{};
    if (rest.size() < sizeof(header)) return taken;
    std::memcpy(&header, rest.data(), sizeof(header));
    const auto type = static_cast<unsigned short>(header.ktr_type);
    const bool is_known = (type & KTR_VERSIONED) != 0 && header.ktr_version == KTR_VERSION1;
    if (!is_known || header.ktr_len < 0) {
      stop_reading();
      return taken;
    }
    const auto size = static_cast<std::size_t>(header.ktr_len);
    if (rest.size() < sizeof(header) + size) return taken;
    processes_.see({.type = type & ~KTR_TYPE,
                    .follows_lost = (type & KTR_DROP) != 0,
                    .process = header.ktr_pid,
                    .thread = header.ktr_tid,
                    .time_us = in_us(header.ktr_time),
                    .data = rest.subspan(sizeof(header), size)});
    taken += sizeof(header) + size;
  }
}

// A build that exchanges the file meanwhile misleads only itself: nothing is opened, and no link leads out. It can hold
// the file by a call that no signal ends. Then this waits, and `pack` with it. `finish` is called when no process of
// the build is left.
bool PathTrace::is_made_since(const std::string& path, std::int64_t time_us) const {
  const Tolerated tolerated("the call is counted as lost");
  struct stat found{};
  const char* const below_root = path.c_str() + 1;
  if (::fstatat(root_.get(), below_root, &found, AT_SYMLINK_NOFOLLOW | AT_RESOLVE_BENEATH) == 0)
    return in_us(found.st_birthtim) >= time_us;
  // A file that is gone by now is recorded as one that was there before.
  constexpr std::array kGone{ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, ENOTCAPABLE};
  if (std::ranges::find(kGone, errno) == kGone.end()) seen_->lose();
  return false;
}

void PathTrace::stop_reading() {
  is_unreadable_ = true;
  seen_->lose();
}

}  // namespace buildjail
