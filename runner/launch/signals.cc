#include "signals.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <thread>
#include <utility>

namespace buildjail::launch {

namespace {

constexpr std::array kPassedOn = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
constexpr int kShellsOffset = 128;

}  // namespace

Signals::Signals() {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int signal : kPassedOn) sigaddset(&wanted, signal);
  sigprocmask(SIG_BLOCK, &wanted, nullptr);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) std::abort();
  reader_ = UniqueFd(ends[0]);
  std::thread([writer = UniqueFd(ends[1]), wanted] {
    for (int signal = 0; sigwait(&wanted, &signal) == 0;) {
      const auto byte = static_cast<unsigned char>(signal);
      if (::write(writer.get(), &byte, 1) != 1) return;
    }
  }).detach();
}

int Signals::next() const {
  unsigned char byte = 0;
  return ::read(reader_.get(), &byte, 1) == 1 ? byte : 0;
}

void end_by(int signal) {
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  static_cast<void>(::setrlimit(RLIMIT_CORE, &none));
  static_cast<void>(std::signal(signal, SIG_DFL));
  sigset_t mine;
  sigemptyset(&mine);
  sigaddset(&mine, signal);
  // To this thread, because the thread that waits for signals would take it.
  static_cast<void>(pthread_sigmask(SIG_UNBLOCK, &mine, nullptr));
  static_cast<void>(pthread_kill(pthread_self(), signal));
  ::_exit(kShellsOffset + signal);
}

}  // namespace buildjail::launch
