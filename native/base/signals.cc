#include "base/signals.h"

#include <algorithm>
#include <array>

namespace buildjail {

namespace {

struct SignalName {
  int signal;
  std::string_view name;
};

// From the macros: the numbers differ between systems, and a JavaScript runtime may have a table of another system.
constexpr auto kSignalNames = std::to_array<SignalName>({
#define BUILDJAIL_SIGNAL(name) {name, #name}
    BUILDJAIL_SIGNAL(SIGHUP),  BUILDJAIL_SIGNAL(SIGINT),    BUILDJAIL_SIGNAL(SIGQUIT),  BUILDJAIL_SIGNAL(SIGILL),
    BUILDJAIL_SIGNAL(SIGTRAP), BUILDJAIL_SIGNAL(SIGABRT),   BUILDJAIL_SIGNAL(SIGBUS),   BUILDJAIL_SIGNAL(SIGFPE),
    BUILDJAIL_SIGNAL(SIGKILL), BUILDJAIL_SIGNAL(SIGUSR1),   BUILDJAIL_SIGNAL(SIGSEGV),  BUILDJAIL_SIGNAL(SIGUSR2),
    BUILDJAIL_SIGNAL(SIGPIPE), BUILDJAIL_SIGNAL(SIGALRM),   BUILDJAIL_SIGNAL(SIGTERM),  BUILDJAIL_SIGNAL(SIGCHLD),
    BUILDJAIL_SIGNAL(SIGCONT), BUILDJAIL_SIGNAL(SIGSTOP),   BUILDJAIL_SIGNAL(SIGTSTP),  BUILDJAIL_SIGNAL(SIGTTIN),
    BUILDJAIL_SIGNAL(SIGTTOU), BUILDJAIL_SIGNAL(SIGURG),    BUILDJAIL_SIGNAL(SIGXCPU),  BUILDJAIL_SIGNAL(SIGXFSZ),
    BUILDJAIL_SIGNAL(SIGPROF), BUILDJAIL_SIGNAL(SIGVTALRM), BUILDJAIL_SIGNAL(SIGWINCH), BUILDJAIL_SIGNAL(SIGIO),
    BUILDJAIL_SIGNAL(SIGSYS),
#undef BUILDJAIL_SIGNAL
});

}  // namespace

std::string signal_name(int signal) {
  const auto* found = std::ranges::find(kSignalNames, signal, &SignalName::signal);
  return found == kSignalNames.end() ? "SIG" + std::to_string(signal) : std::string(found->name);
}

int signal_number(std::string_view name) {
  const auto* found = std::ranges::find(kSignalNames, name, &SignalName::name);
  return found == kSignalNames.end() ? 0 : found->signal;
}

}  // namespace buildjail
