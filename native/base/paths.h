#pragma once

#include <string_view>

namespace buildjail {

/** Whether an absolute path lies below a folder, by its words alone: links are not followed. */
inline bool is_below(std::string_view path, std::string_view folder) {
  if (folder == "/") return path.size() > 1;
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

/** Whether it is the folder or lies below it. */
inline bool is_within(std::string_view path, std::string_view folder) {
  return path == folder || is_below(path, folder);
}

}  // namespace buildjail
