#include "freebsd/watcher_child.h"

#include <unistd.h>

#include "freebsd/child.h"

namespace buildjail {

const char* let_go_of_host_program() {
  constexpr unsigned kFirstNotStdio = 3;
  kinfo_proc self;
  if (look_at_self(self) != 0) return "sysctl";
  if (const char* const refused = reset_signals(self); refused != nullptr) return refused;
  return ::close_range(kFirstNotStdio, ~0U, 0) == 0 ? nullptr : "close_range";
}

}  // namespace buildjail
