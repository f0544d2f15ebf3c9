#include "state/folder_below.h"

#include <fcntl.h>

#include <string>

#include "base/text.h"
#include "base/unique_fd.h"

namespace buildjail {

UniqueFd folder_below(int top, std::string_view path) {
  UniqueFd at(::openat(top, ".", kHoldFolder));
  for (std::string_view way = path; at && !way.empty();) {
    const std::string name(cut(way, '/'));
    if (!name.empty()) at = UniqueFd(::openat(at.get(), name.c_str(), kHoldFolder));
  }
  return at;
}

}  // namespace buildjail
