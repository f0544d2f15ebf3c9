#include "state/folder_below.h"

#include <fcntl.h>

#include <string>

#include "state/words.h"

namespace buildjail {

namespace {

#ifdef O_PATH
constexpr int kFolder = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
#else
constexpr int kFolder = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
#endif

}  // namespace

UniqueFd folder_below(int top, std::string_view path) {
  UniqueFd at(::openat(top, ".", kFolder));
  for (std::string_view way = path; at && !way.empty();) {
    const std::string name(cut(way, '/'));
    if (!name.empty()) at = UniqueFd(::openat(at.get(), name.c_str(), kFolder));
  }
  return at;
}

}  // namespace buildjail
