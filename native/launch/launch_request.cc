#include "launch/launch_request.h"

#include <string_view>

namespace buildjail {

LaunchRequest read_launch(WireReader& reader) {
  LaunchRequest request;
  const auto read_string = [](WireReader& from) { return from.string(); };
  request.argv = reader.list<std::string>(read_string);
  request.environment = reader.list<std::string>(read_string);
  request.working_directory = reader.string();
  request.max_buffer = reader.u64();
  for (auto& stdio : request.stdio) {
    const std::uint8_t kind = reader.u8();
    if (kind > static_cast<std::uint8_t>(StdioKind::kSame)) {
      reader.refuse();
      return request;
    }
    stdio.kind = static_cast<StdioKind>(kind);
    stdio.path = reader.string();
  }
  const StdioKind input = request.stdio[0].kind;
  if (input == StdioKind::kCapture || input == StdioKind::kSocket || input == StdioKind::kSame) reader.refuse();
  if (request.stdio[1].kind == StdioKind::kSame) reader.refuse();
  if (request.argv.empty() || request.argv.front().empty()) reader.refuse();
  return request;
}

std::vector<std::string> executable_candidates(const LaunchRequest& request) {
  const std::string& file = request.argv.front();
  if (file.find('/') != std::string::npos) return {file};
  std::string_view search_path;
  for (const std::string_view variable : request.environment) {
    if (variable.starts_with("PATH=")) search_path = variable.substr(5);
  }
  std::vector<std::string> candidates;
  while (!search_path.empty()) {
    const std::size_t end = search_path.find(':');
    const std::string_view directory = search_path.substr(0, end);
    // An empty element means the working directory (environ(7)), where a build's inputs could stand in for a tool.
    if (!directory.empty()) candidates.push_back(std::string(directory) + "/" + file);
    search_path = end == std::string_view::npos ? std::string_view() : search_path.substr(end + 1);
  }
  return candidates;
}

}  // namespace buildjail
