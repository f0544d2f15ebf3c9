#include "fault.h"

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <string_view>
#include <thread>

#include "base/tolerated.h"

// In this build a plain kill(2) would come back to here.
extern "C" int real_kill_itself(pid_t pid, int signal) __asm__("__real_kill");

namespace buildjail::faults {

namespace {

constexpr std::size_t kRoom = 16384;

struct State {
  std::atomic<bool> is_armed{false};
  Fault fault;
  std::atomic<std::uint32_t> made{0};
  std::atomic<std::uint32_t> met{0};
  std::atomic<std::uint32_t> hits{0};
  std::atomic<bool> is_to_die{false};
  std::atomic<bool> is_dying{false};
  pid_t host = 0;
  std::array<const char*, kRoom> calls{};
  std::array<const char*, kRoom> tolerated{};
};

// A wrapper is given the call's arguments and nothing else, so what is armed is armed for the process; and for the
// children that share its memory. NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables)
constinit State state;
constinit thread_local bool is_counted = false;
constinit thread_local OwnThread own_thread = OwnThread::kNone;
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

void pause_ms(long milliseconds) {
  const timespec pause{.tv_sec = 0, .tv_nsec = milliseconds * 1'000'000};
  ::nanosleep(&pause, nullptr);
}

// A child may be in another pid namespace, where the host program has no number to be killed by. So it asks a thread of
// the host program, which meanwhile sleeps in vfork(2) with one thread only.
void die_when_asked() {
  for (;;) {
    state.is_dying = state.is_to_die.load();
    if (state.is_dying) static_cast<void>(real_kill_itself(::getpid(), SIGKILL));
    pause_ms(1);
  }
}

/** Does not come back in the host program. In a child it does, when the host program is dead. */
void kill_host() {
  if (::getpid() == state.host) {
    static_cast<void>(real_kill_itself(state.host, SIGKILL));
    for (;;) ::pause();
  }
  state.is_to_die = true;
  while (!state.is_dying) pause_ms(1);
  pause_ms(10);
}

bool is_asked_for() {
  const Fault& fault = state.fault;
  return fault.thread == OwnThread::kNone ? is_counted || fault.is_of_every_thread : own_thread == fault.thread;
}

bool is_meant(const char* name, std::span<const std::uintptr_t> arguments) {
  const Fault& fault = state.fault;
  if (fault.name[0] != '\0' && std::strcmp(fault.name.data(), name) != 0) return false;
  if (fault.if_argument < 0) return true;
  const auto index = static_cast<std::size_t>(fault.if_argument);
  return index < arguments.size() && arguments[index] == fault.if_value;
}

}  // namespace

void arm(const Fault& fault) {
  state.is_armed = false;
  state.fault = fault;
  state.made = 0;
  state.met = 0;
  state.hits = 0;
  state.host = ::getpid();
  is_counted = true;
  if (fault.action == Action::kKill) std::thread(die_when_asked).detach();
  state.is_armed = true;
}

Made disarm() {
  state.is_armed = false;
  is_counted = false;
  const std::size_t made = std::min<std::size_t>(state.made, kRoom);
  return {.calls = std::span(state.calls).first(made),
          .tolerated = std::span(state.tolerated).first(made),
          .hits = state.hits};
}

void be_own_thread(OwnThread thread) { own_thread = thread; }

Counted::Counted() : was_(is_counted) { is_counted = true; }
Counted::~Counted() { is_counted = was_; }

Action meet(const char* name, std::span<std::uintptr_t> arguments, int& err) {
  if (!state.is_armed || !is_asked_for()) return Action::kNone;
  const std::uint32_t index = state.made++;
  const Fault& fault = state.fault;
  if (index < kRoom) {
    state.calls.at(index) = name;
    state.tolerated.at(index) = Tolerated::reason_for(fault.err);
  }
  if (fault.action == Action::kNone || !is_meant(name, arguments)) return Action::kNone;
  const std::uint32_t number = ++state.met;
  if (fault.nth != 0 && fault.nth != number) return Action::kNone;
  ++state.hits;
  err = fault.err;
  if (fault.action == Action::kKill) {
    kill_host();
    return Action::kNone;
  }
  if (fault.action == Action::kMask) {
    const auto masked = static_cast<std::size_t>(fault.masked_argument);
    if (masked < arguments.size()) arguments[masked] &= ~fault.masked_bits;
  }
  return fault.action;
}

void set_errno(int err) { errno = err; }

}  // namespace buildjail::faults
