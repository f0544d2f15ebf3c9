#include "linux/session_namespaces.h"

#include <fcntl.h>

#include <chrono>
#include <iterator>
#include <new>
#include <utility>

#include "linux/folder_modes.h"
#include "linux/listeners.h"
#include "linux/overlays.h"
#include "linux/path_trace.h"
#include "linux/raw_calls.h"
#include "linux/root.h"
#include "linux/root_contents.h"

namespace buildjail {

namespace {

/** The time in which the waiter learns that init has ended. */
constexpr std::chrono::milliseconds kHearBound{1000};

/** `answer`, which may be empty, takes the calls that set the set-group-ID bit. */
AnswerCall see_and_answer(std::shared_ptr<PathTrace> trace, AnswerCall answer) {
  return [trace = std::move(trace), answer = std::move(answer)](const CallNotice& notice, BorrowedRights& rights) {
    try {
      trace->see(notice, rights);
    } catch (const std::bad_alloc&) {
      trace->lose();
    }
    rights.give_back();
    if (answer && sets_group_id(notice)) return answer(notice, rights);
    return CallAnswer{.goes_on = true};
  };
}

}  // namespace

void SessionNamespaces::set(Namespaces made) {
  const std::lock_guard lock(mutex_);
  namespaces_ = std::make_shared<Namespaces>(std::move(made));
}

InitCalls& SessionNamespaces::calls() { return calls_ ? *calls_ : calls_.emplace(*get()->channel()); }

Status SessionNamespaces::confirm(bool is_launched, Trace& trace) {
  auto status = calls_->confirm(is_launched, trace);
  auto rooms = calls_->take_shown(kRoomSlot);
  auto listener = calls_->take_shown(kListener);
  auto sockets = calls_->take_shown(kFirstSocketSlot);
  calls_.reset();
  if (!status) return explain_overlay(std::move(status.error()));
  std::ranges::move(rooms, std::back_inserter(rooms_));
  if (sockets.size() < std::exchange(awaited_sockets_, 0))
    return SysError{.step = "network", .syscall = "recvmsg", .err = EMFILE, .detail = "no descriptors are left"};
  std::ranges::move(sockets, std::back_inserter(sockets_));
  return listener.empty() ? Status() : listen(std::move(listener.front()));
}

Status SessionNamespaces::listen(UniqueFd listener) {
  return caught("filter", [&]() -> Status {
    AnswerCall answer;
    if (!trace_ || trace_->has_modes) {
      const auto now = file_time_now("filter");
      if (!now) return now.error();
      set_group_id_ = std::make_shared<SetGroupIdFolders>(*now);
      answer = answer_folder_modes(set_group_id_);
    }
    CallNotices* notices = &notices_;
    if (trace_) {
      // A build that makes such calls all the time holds up only its own session.
      notices = &trace_->notices;
      auto root = above_stdio(UniqueFd(::open(get()->root().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)));
      if (!root) return last_error("filter", "open", "/");
      const UniqueFd looked_up(raw::openat2(root.get(), ".", {.flags = O_PATH | O_CLOEXEC}));
      if (!looked_up) return last_error("filter", "openat2", "/");
      answer =
          see_and_answer(std::make_shared<PathTrace>(seen_, SessionPaths(std::move(trace_->places), std::move(root))),
                         std::move(answer));
    }
    auto listening = notices->watch(std::move(listener), std::move(answer));
    if (!listening) return std::move(listening.error());
    listening_ = std::move(*listening);
    return {};
  });
}

void SessionNamespaces::see_paths(LastingPlaces places, bool has_modes) {
  trace_ = std::make_unique<PathsSeen>(std::move(places), has_modes);
}

Status SessionNamespaces::watch(const Namespaces& inside) {
  const auto& channel = inside.channel();
  Waiter* const waiter = waiter_.get();
  auto status = waiter->watch_channel(owner_, channel->fd(), [channel, waiter] { return channel->read(*waiter); });
  if (!status) return status;
  channel->keep_what_has_no_room([waiter, owner = owner_, fd = channel->fd()](bool is_wanted) {
    return waiter->watch_room(owner, fd, is_wanted);
  });
  return {};
}

Status SessionNamespaces::end_processes(Trace& trace) {
  const auto inside = get();
  if (!inside) return {};
  if (!mounts_) mounts_ = inside->hold_mounts();
  // Does not wait for a launch first: a launch that hangs inside ends with init.
  if (auto status = inside->tell_to_end(); !status) return status;
  trace.mark("kill");
  if (auto status = inside->wait_gone(); !status) return status;
  // The session's object may live long after it is closed, and the trace has a thread.
  listening_.reset();
  trace_.reset();
  // The channel shows the waiter that init has ended, and with it the commands.
  static_cast<void>(waiter_->wait_reaped(owner_, kHearBound));
  waiter_->forget_channel(owner_, inside->channel()->fd());
  trace.mark("reap");
  const std::lock_guard lock(mutex_);
  namespaces_.reset();
  return {};
}

}  // namespace buildjail
