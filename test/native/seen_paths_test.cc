#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "seen/seen_paths.h"

namespace buildjail {

namespace {

/** What src/native/trace.ts reads, as text: programs, processes, and of each file its outcomes and uses. */
std::string packed_text(const SeenPaths& seen) {
  std::string text;
  for (const std::byte byte : seen.pack()) text += static_cast<char>(byte);
  return text;
}

}  // namespace

TEST_CASE("what lasts is looked up once for each use, and by whether links are followed") {
  SeenPaths seen;
  seen.add(1, {.path = "/a", .use = Use::kRead, .follows = true, .lasts = true});
  CHECK(seen.add_known(1, "/a", Use::kRead, true));
  CHECK_FALSE(seen.add_known(1, "/a", Use::kRead, false));
  CHECK_FALSE(seen.add_known(1, "/a", Use::kExecute, true));
  CHECK_FALSE(seen.add_known(1, "/b", Use::kRead, true));
  seen.add(1, {.path = "/tmp/b", .use = Use::kRead});
  CHECK_FALSE(seen.add_known(1, "/tmp/b", Use::kRead, true));
}

TEST_CASE("a process has its parent's program until it executes one, and a number that comes again another") {
  SeenPaths seen;
  seen.begin(10, 1, 1);
  seen.execute(10, "/bin/sh", "sh");
  seen.begin(11, 10, 2);
  seen.add(11, {.path = "/by-sh"});
  seen.execute(11, "/bin/cat", "cat");
  seen.add(11, {.path = "/by-cat"});
  seen.end(11, 3);
  seen.begin(11, 10, 4);
  seen.add(11, {.path = "/by-sh-again"});
  const std::string text = packed_text(seen);
  // The number of its one program stands behind each path, at the end of its entry.
  const auto program_of = [&text](const std::string& path) {
    const std::size_t at = text.find(path) + path.size();
    return text.at(at + 4 + 4 + 4 + 4);
  };
  CHECK(program_of("/by-sh") == 0);
  CHECK(program_of("/by-cat") == 1);
  CHECK(program_of("/by-sh-again") == 0);
}

TEST_CASE("the end of a process is that of the one that has its number then, and one that is forgotten has none") {
  SeenPaths seen;
  seen.begin(10, 1, 100);
  seen.forget(10);
  seen.begin(10, 1, 200);
  seen.end(10, 300);
  seen.begin(10, 1, 400);
  seen.end(10, 500);
  seen.end(10, 600);
  const std::vector<std::byte> packed = seen.pack();
  // Behind the version, what was lost, and the numbers of programs and of processes.
  std::size_t at = 4 + 8 + 4 + 4;
  for (const auto& [began, ended] : {std::pair{100, 0}, std::pair{200, 300}, std::pair{400, 500}}) {
    std::array<std::int64_t, 2> times{};
    at += 3 * sizeof(std::uint32_t);
    std::memcpy(times.data(), &packed.at(at), sizeof(times));
    at += sizeof(times);
    CHECK(times.at(0) == began);
    CHECK(times.at(1) == ended);
  }
}

TEST_CASE("what there is no room for is counted, and what is there is kept") {
  constexpr std::size_t kRoom = std::size_t{112} * 1024;
  SeenPaths seen(kRoom);
  const std::string name(1024, 'x');
  for (int i = 0; i < 200; ++i) seen.add(1, {.path = "/" + std::to_string(i) + name});
  const std::string text = packed_text(seen);
  CHECK(text.size() < kRoom + 1024);
  CHECK(text.find("/0" + name) != std::string::npos);
  CHECK(text.find("/199" + name) == std::string::npos);
  // Behind the version.
  CHECK(static_cast<unsigned char>(text.at(4)) > 60);
}

}  // namespace buildjail
