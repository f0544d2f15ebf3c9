#pragma once

#include <csignal>
#include <string>
#include <string_view>

namespace buildjail {

/** `SIGKILL`; a number without a name becomes `SIG34`. */
[[nodiscard]] std::string signal_name(int signal);

/** The number of a signal's name, or 0 for an unknown name. */
[[nodiscard]] int signal_number(std::string_view name);

/**
 * Blocks all signals for this thread and for any child that it makes meanwhile. A child that shares our memory must not
 * run a signal handler of the host program. The child unblocks signals once it has no handlers left.
 */
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  BlockedSignals& operator=(BlockedSignals&&) = delete;
  ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace buildjail
