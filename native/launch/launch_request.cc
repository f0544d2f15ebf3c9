#include "launch/launch_request.h"

#include <cerrno>
#include <limits>
#include <string_view>

#include "base/text.h"
#include "plan/wire_reader.h"

namespace buildjail {

namespace {

constexpr std::uint8_t kCloses = 1;
constexpr std::uint8_t kTellsStarted = 2;
constexpr std::uint8_t kTellsSteps = 4;

winsize read_size(WireReader& reader) {
  const std::uint32_t columns = reader.u32();
  const std::uint32_t rows = reader.u32();
  constexpr std::uint32_t kMost = std::numeric_limits<std::uint16_t>::max();
  if (columns > kMost || rows > kMost) reader.refuse();
  return {.ws_row = static_cast<std::uint16_t>(rows),
          .ws_col = static_cast<std::uint16_t>(columns),
          .ws_xpixel = 0,
          .ws_ypixel = 0};
}

CommandLimits read_limits(WireReader& reader) {
  CommandLimits limits;
  reader.list<std::uint8_t>([&limits](WireReader& from) {
    const std::uint8_t number = from.u8();
    const std::uint64_t most = from.u64();
    if (number < kRlimits.size())
      limits.of_processes.at(number) = most;
    else
      from.refuse();
    return number;
  });
  limits.stdio = reader.u64();
  return limits;
}

/** Refuses the reader where it is no command. */
LaunchRequest read_launch(WireReader& reader) {
  LaunchRequest request;
  const auto read_string = [](WireReader& from) { return from.string(); };
  request.argv = reader.list<std::string>(read_string);
  request.environment = reader.list<std::string>(read_string);
  request.working_directory = reader.string();
  request.max_buffer = reader.u64();
  request.limits = read_limits(reader);
  for (auto& stdio : request.stdio) {
    stdio.kind = reader.one_up_to(StdioKind::kPty);
    stdio.path = reader.string();
  }
  request.terminal_size = read_size(reader);
  const StdioKind input = request.stdio[0].kind;
  if (input == StdioKind::kCapture || input == StdioKind::kSocket || input == StdioKind::kSame) reader.refuse();
  if (request.stdio[1].kind == StdioKind::kSame) reader.refuse();
  const auto is_pty = [](const StdioRequest& one) { return one.kind == StdioKind::kPty; };
  const auto pty_count = std::count_if(request.stdio.begin(), request.stdio.end(), is_pty);
  if (pty_count != 0 && pty_count != static_cast<std::ptrdiff_t>(request.stdio.size())) reader.refuse();
  if (request.argv.empty() || request.argv.front().empty()) reader.refuse();
  return request;
}

}  // namespace

Result<JobRequest> read_job(std::span<const std::byte> bytes) {
  WireReader reader(bytes);
  reader.limit();
  JobRequest job;
  if (reader.u32() != kWireVersion) reader.refuse();
  job.number = reader.u32();
  const std::uint8_t flags = reader.u8();
  job.closes = (flags & kCloses) != 0;
  job.tells_steps = (flags & kTellsSteps) != 0;
  job.id = reader.string();
  if (reader.u8() == 1) job.rest = read_rest(reader);
  if (reader.u8() == 1) {
    job.command = read_launch(reader);
    job.command->run = job.number;
    job.command->tells_started = (flags & kTellsStarted) != 0;
  }
  if (reader.is_complete()) return job;
  return SysError{.step = "job", .syscall = "read_job", .err = EINVAL, .detail = "malformed job"};
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
    const std::string_view directory = cut(search_path, ':');
    // An empty element means the working directory (environ(7)), where a build's inputs could stand in for a tool.
    if (!directory.empty()) candidates.push_back(std::string(directory) + "/" + file);
  }
  return candidates;
}

}  // namespace buildjail
