// Jobs as they come from TypeScript, and what ended a command.
#include <doctest/doctest.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "envelope/record.h"
#include "launch/launch_request.h"
#include "launch/stdio_ends.h"
#include "launch/waiter.h"
#include "packer.h"

namespace {

using namespace buildjail;  // NOLINT(google-build-using-namespace): all of it is under test

/** A job that runs a command. */
std::vector<std::byte> job(std::string_view file, std::string_view path) {
  Packer packer;
  packer.u32(0)
      .u32(kWireVersion)
      .u32(9)
      .u8(0)
      .string("")
      .u8(0)
      .u8(1)
      .u32(2)
      .string(file)
      .string("argument")
      .u32(1)
      .string(path)
      .string("/tmp")
      .u64(100)
      .u32(2)
      .u8(0)
      .u64(2)
      .u8(2)
      .u64(std::uint64_t{1} << 40U)
      .u64(7);
  for (int i = 0; i < 3; ++i) packer.u8(2).string("");
  packer.u32(80).u32(24);
  return packer.size(static_cast<std::uint32_t>(packer.bytes().size())).bytes();
}

TEST_CASE("a program is looked for in PATH, in order, and never in the working directory") {
  const auto request = read_job(job("cc", "PATH=/a::/b"));
  REQUIRE(request);
  CHECK(executable_candidates(*request->command) == std::vector<std::string>{"/a/cc", "/b/cc"});
}

TEST_CASE("a program with a slash in its name is not looked for") {
  const auto request = read_job(job("./cc", "PATH=/a"));
  REQUIRE(request);
  CHECK(executable_candidates(*request->command) == std::vector<std::string>{"./cc"});
}

TEST_CASE("the limits of a command are read as they were packed") {
  const auto request = read_job(job("cc", "PATH=/a"));
  REQUIRE(request);
  const auto& [of_processes, output] = request->command->limits;
  CHECK(of_processes == std::array<std::uint64_t, kRlimits.size()>{2, 0, std::uint64_t{1} << 40U});
  CHECK(output == 7);
}

TEST_CASE("a job with a limit that is not known is refused") {
  auto bytes = job("cc", "PATH=/a");
  // Its number follows the size of all, and comes before 64 bits, the other one, and what follows them.
  constexpr std::size_t kBehind = 1 + 8 + 8 + std::size_t{3} * 5 + 8;
  bytes.at(bytes.size() - kBehind) = std::byte{kRlimits.size()};
  CHECK_FALSE(read_job(bytes));
}

TEST_CASE("what lies behind a job is not read") {
  auto bytes = job("cc", "PATH=/a");
  bytes.resize(bytes.size() + 100, std::byte{0xff});
  CHECK(static_cast<bool>(read_job(bytes)));
}

TEST_CASE("a job whose size is not its own is refused") {
  const auto bytes = job("cc", "PATH=/a");
  const auto size = static_cast<std::uint32_t>(bytes.size());
  for (const std::uint32_t wrong : {0U, 3U, 4U, size - 1, size + 1, 0xffffffffU}) {
    auto changed = bytes;
    for (std::size_t i = 0; i < 4; ++i) changed.at(i) = static_cast<std::byte>(wrong >> (8 * i));
    REQUIRE_FALSE(read_job(changed));
  }
}

TEST_CASE("a command without a program is refused") { CHECK_FALSE(read_job(job("", "PATH=/a"))); }

TEST_CASE("a terminal of its own is all of a command's standard descriptors, or none") {
  auto bytes = job("cc", "PATH=/a");
  // Behind the three, of which each is a number and an empty string, are the columns and rows of the terminal.
  const std::size_t first = bytes.size() - 8 - 15;
  for (const std::size_t at : {first, first + 5, first + 10}) bytes.at(at) = std::byte{7};
  const auto request = read_job(bytes);
  REQUIRE(request);
  REQUIRE(request->command->stdio[2].kind == StdioKind::kPty);
  REQUIRE(request->command->terminal_size.ws_row == 24);
  bytes.at(first + 5) = std::byte{2};
  CHECK_FALSE(read_job(bytes));
}

TEST_CASE("a directory does not become a command's stdin") {
  auto command = *read_job(job("cc", "PATH=/a"))->command;
  command.stdio[0] = {StdioKind::kFile, "/"};
  StdioEnds ends;
  const auto status = ends.open_files(command.stdio);
  REQUIRE_FALSE(status);
  CHECK(status.error().err == EISDIR);
}

/** An exit status as wait4(2) has it. */
constexpr int exited(int code) { return code << 8; }

/** In a session that met each limit once before the command. */
struct Ended {
  static std::optional<Limit> ended(int status, const CommandLimits& limits = {}, const LimitsMet& after = {},
                                    std::int64_t user_us = 0) {
    const LimitsMet before{.memory = 1, .swap = 1, .processes = 1};
    const LimitsMet sum{.memory = 1 + after.memory, .swap = 1 + after.swap, .processes = 1 + after.processes};
    return ended_by({.status = status, .user_us = user_us, .system_us = 0, .max_rss_bytes = 0}, limits, before, sum);
  }
  CommandLimits limits{.of_processes = {2, 0, 10}, .stdio = {}};
};

TEST_CASE_FIXTURE(Ended, "a limit that nobody met ended nothing") {
  CHECK_FALSE(ended(exited(1)));
  CHECK_FALSE(ended(SIGKILL, limits));
  CHECK_FALSE(ended(SIGXCPU));
  CHECK_FALSE(ended(SIGXFSZ));
  CHECK_FALSE(ended(exited(2), limits));
}

TEST_CASE_FIXTURE(
    Ended, "a command says by its signal which of its limits ended it, and so does a shell for its last program") {
  CHECK(ended(SIGXCPU, limits) == Limit::kCpuTime);
  CHECK(ended(exited(128 + SIGXCPU), limits) == Limit::kCpuTime);
  CHECK(ended(SIGXFSZ, limits) == Limit{"fileSize"});
  CHECK(ended(exited(128 + SIGXFSZ), limits) == Limit{"fileSize"});
}

TEST_CASE_FIXTURE(Ended, "one that takes no notice of SIGXCPU is known by the time that it took") {
  CHECK(ended(SIGKILL, limits, {}, 2'050'000) == Limit::kCpuTime);
  CHECK_FALSE(ended(SIGKILL, limits, {}, 1'950'000));
  CHECK_FALSE(ended(exited(1), limits, {}, 9'000'000));
}

TEST_CASE_FIXTURE(Ended, "what the session met is told in this order, after what the command says of itself") {
  const LimitsMet all{.memory = 1, .swap = 1, .processes = 1};
  CHECK(ended(SIGXCPU, limits, all) == Limit::kCpuTime);
  CHECK(ended(SIGKILL, limits, all) == Limit::kMemory);
  CHECK(ended(exited(1), limits, {.memory = 0, .swap = 1, .processes = 1}) == Limit::kSwap);
  CHECK(ended(exited(1), limits, {.memory = 0, .swap = 0, .processes = 1}) == Limit::kProcesses);
}

}  // namespace
