#include "freebsd/watcher_child.h"

#include <unistd.h>

#include "freebsd/child.h"

namespace buildjail {

const char* let_go_of_host_program() {
  constexpr unsigned kFirstNotStdio = 3;
  if (const char* const refused = reset_signals(); refused != nullptr) return refused;
  return ::close_range(kFirstNotStdio, ~0U, 0) == 0 ? nullptr : "close_range";
}

}  // namespace buildjail
