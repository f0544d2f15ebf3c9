#pragma once

#include <string>
#include <vector>

namespace buildjail {

/**
 * The files below a folder of the host whose names fit a pattern (fnmatch(3)), and with a slash behind them the folders
 * below it that cannot be read: by their paths in the folder, sorted. It follows no link, and looks into no folder of a
 * name in `passed_by`.
 */
std::vector<std::string> named_files(const std::string& folder, const std::vector<std::string>& patterns,
                                     const std::vector<std::string>& passed_by);

}  // namespace buildjail
