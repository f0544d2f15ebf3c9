#include "linux/watcher_child.h"

#include "linux/child.h"
#include "linux/raw_calls.h"

namespace buildjail {

const char* let_go_of_host_program() {
  constexpr unsigned kFirstNotStdio = 3;
  if (reset_signals() != 0) return "rt_sigaction";
  if (unblock_signals() != 0) return "rt_sigprocmask";
  return raw::close_range(kFirstNotStdio) == 0 ? nullptr : "close_range";
}

}  // namespace buildjail
