#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "freebsd/known_folders.h"

namespace buildjail {

namespace {

constexpr int kHere = KnownFolders::kWorkingDirectory;

/** Enters a folder above by as many links as one call follows. */
void enter_by_links(KnownFolders& folders) {
  std::string links;
  for (int i = 0; i < 31; ++i) links += std::string(31, 'l') + "/";
  folders.enter(folders.path_of(kHere, links));
}

}  // namespace

TEST_CASE("the known folders of a build that goes round in links, and forks, take bounded memory") {
  const auto bytes = std::make_shared<std::size_t>(0);
  {
    KnownFolders folders(bytes);
    std::size_t longest = 0;
    for (int i = 0; i < 1000; ++i) {
      enter_by_links(folders);
      longest = std::max(longest, folders.path_of(kHere, "x").value_or("").size());
      CHECK(*bytes <= KnownFolders::kLongestPath);
    }
    CHECK(longest > 1000);
    CHECK(longest <= KnownFolders::kLongestPath);
    // It is not known where a relative path begins, until the process says so.
    CHECK_FALSE(folders.path_of(kHere, "x"));
    CHECK(folders.path_of(kHere, "/x") == "/x");
    folders.enter("/tmp");
    CHECK(folders.path_of(kHere, "x") == "/tmp/x");
    CHECK_FALSE(folders.path_of(kHere, std::string(KnownFolders::kLongestPath, 'x')));

    for (int i = 0; i < 3; ++i) enter_by_links(folders);
    folders.open(3, *folders.path_of(kHere, "opened"), false);
    std::vector<std::shared_ptr<KnownFolders>> forked;
    for (int i = 0; i < 20'000; ++i) forked.push_back(folders.copy());
    CHECK(*bytes <= KnownFolders::kMostBytes);
    CHECK(forked.front()->path_of(kHere, "x") == folders.path_of(kHere, "x"));
    CHECK_FALSE(forked.back()->path_of(kHere, "x"));
    CHECK_FALSE(forked.back()->path_of(3, "x"));
    CHECK(forked.back()->path_of(kHere, "/x") == "/x");
  }
  CHECK(*bytes == 0);
}

TEST_CASE("a process with a root of its own does not lead above it, and one whose root is not known has no paths") {
  KnownFolders folders(std::make_shared<std::size_t>(0));
  folders.change_root("/tmp/root");
  folders.enter("/tmp/root/in");
  CHECK(folders.path_of(kHere, "../../../x") == "/tmp/root/x");
  CHECK(folders.path_of(kHere, "/x") == "/tmp/root/x");
  folders.change_root(std::nullopt);
  CHECK_FALSE(folders.path_of(kHere, "/x"));
  CHECK_FALSE(folders.path_of(kHere, "x"));
  folders.change_root("/");
  CHECK(folders.path_of(kHere, "/x") == "/x");
}

}  // namespace buildjail
