#include <doctest/doctest.h>

#include <cstddef>
#include <string>
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
  seen.begin(10, 1);
  seen.execute(10, "/bin/sh", "sh");
  seen.begin(11, 10);
  seen.add(11, {.path = "/by-sh"});
  seen.execute(11, "/bin/cat", "cat");
  seen.add(11, {.path = "/by-cat"});
  seen.end(11);
  seen.begin(11, 10);
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
