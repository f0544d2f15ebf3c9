// What a session notes of itself, and how it is read.
#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "envelope/mount_points.h"
#include "left_session.h"
#include "state/journal.h"
#include "state/lent_fact.h"
#include "state/lent_output.h"

namespace {

using namespace buildjail;  // NOLINT(google-build-using-namespace): all of it is under test

/** An entry with awkward paths. */
struct Entry {
  const JournalEntry entry{
      .id = kFirst, .name = "demo", .pid = 17, .started_ms = 1700000000123, .host_directory = "/leases", .facts = {}};
  const LentOutput output{
      .path = "/a\n b\\c\n",
      .dev = ~0ULL,
      .ino = 12,
      .uid = 1000,
      .gid = 1001,
      .mode = 02750,
      .flags = 04,
      .since_ns = 1764260000123456789,
      .marks = {{.name = "user.a b\n", .value = std::string("\0\xff", 2)}, {.name = "user.empty", .value = {}}}};
  const Lending lending{.ids = {.first = 35001, .count = 65536, .gid = 35007, .are_shared = false},
                        .takes_marks = false};
  const std::string begun = entry_text(facts());
  const std::string text = begun + facts_text({lent_fact(output, lending)});

  [[nodiscard]] std::vector<Fact> facts() const {
    std::vector<Fact> all = session_facts(entry);
    all.push_back({"root", "path", "/a\n b\\c\n"});
    return all;
  }
};

TEST_CASE_FIXTURE(Entry, "an entry is read as it was written, whatever is in a path") {
  const auto read = read_entry("journal", text);
  REQUIRE(read);
  REQUIRE(*read);
  const auto& [id, name, pid, started_ms, leases, is_being_recovered, read_facts] = **read;
  CHECK(leases == entry.host_directory);
  CHECK(id == entry.id);
  CHECK(name == entry.name);
  CHECK(pid == 17);
  CHECK(started_ms == 1700000000123);
  REQUIRE_FALSE(is_being_recovered);
  CHECK(read_facts.size() == 2);
  CHECK((**read).fact("root", "path") == "/a\n b\\c\n");
  CHECK((**read).fact("root", "other").empty());
}

TEST_CASE_FIXTURE(Entry, "a lent output is read as it was noted, and nothing else is taken for one") {
  const auto read = read_entry("journal", text);
  const auto noted = noted_output((**read).facts.at(1));
  REQUIRE(noted);
  const auto& [ids, gives_owner, takes_marks, is_store] = noted->lending;
  REQUIRE_FALSE(is_store);
  REQUIRE(ids.first == 35001);
  REQUIRE(ids.count == 65536);
  REQUIRE(ids.gid == 35007);
  REQUIRE_FALSE(ids.are_shared);
  REQUIRE(gives_owner);
  REQUIRE_FALSE(takes_marks);
  const auto& [path, dev, ino, uid, gid, mode, flags, since_ns, marks] = noted->before;
  REQUIRE(path == output.path);
  REQUIRE(dev == ~0ULL);
  REQUIRE(ino == 12);
  REQUIRE(uid == 1000);
  REQUIRE(gid == 1001);
  REQUIRE(mode == 02750);
  REQUIRE(flags == 04);
  REQUIRE(since_ns == output.since_ns);
  REQUIRE(marks == output.marks);
  REQUIRE(noted_output({kLentOutput, "lent", "1 1 7 0 2 3 4 5 755 0 6 0 /a"}));
  for (const char* other :
       {"", "1 1 7 0 2 3", "1 1 7 0 2 3 4 5 755 0 6 0 a", "1 1 7 0 2 3 4 5 755 0 6 /a", "1 1 7 0 2 3 4 5 999 0 6 0 /a",
        "1 1 7 0 -2 3 4 5 755 0 6 0 /a", "1 1 7 16 2 3 4 5 755 0 6 0 /a", "1 1 7 0 2 3 4 5 755 0 6 1 /a",
        "1 1 7 0 2 3 4 5 755 0 6 1 6 - /a", "1 1 7 0 2 3 4 5 755 0 6 1 6g - /a"}) {
    REQUIRE_FALSE(noted_output({kLentOutput, "lent", other}));
  }
  CHECK_FALSE(noted_output({kLentOutput, "other", lent_fact(output, lending).value}));
}

TEST_CASE_FIXTURE(Entry,
                  "a mount point is read as it was noted, and nothing that leads out of its folder is taken for one") {
  const PointedFolder folder{.path = "/a b/c", .dev = 7, .ino = ~0ULL};
  const MountPoint point{.path = "d/e f", .is_file = true, .dev = 1, .ino = 2};
  const auto noted = noted_point(point_fact(folder, point));
  REQUIRE(noted);
  REQUIRE(noted->point);
  REQUIRE(noted->folder.path == folder.path);
  REQUIRE(noted->folder.ino == folder.ino);
  REQUIRE(noted->point->path == point.path);
  REQUIRE(noted->point->is_file);
  REQUIRE(noted->point->ino == 2);
  const auto all = noted_point(points_made_fact(folder));
  REQUIRE(all);
  REQUIRE_FALSE(all->point);
  REQUIRE(all->folder.path == folder.path);
  REQUIRE(all->folder.dev == 7);
  for (const char* other : {"", "1 2 0 0 0 2 /a", "1 2 0 0 0 2 /a/../b", "1 2 0 0 0 2 /a/b//c", "1 2 0 0 0 2 /a/.",
                            "1 2 0 0 2 2 /a/b", "1 2 0 0 0 1 /a/b", "1 2 0 0 0 9 /a/b", "1 2 0 0 0 1 a/b"}) {
    REQUIRE_FALSE(noted_point({kMountPoint, "at", other}));
  }
  CHECK(noted_point({kMountPoint, "at", "1 2 0 0 0 2 /a/b"}));
  CHECK_FALSE(noted_point({kMountPoint, "other", "1 2 /a"}));
}

TEST_CASE_FIXTURE(
    Entry, "an entry cut short anywhere is that of a process which had not made anything yet, or had lent nothing") {
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto read = read_entry("journal", text.substr(0, size));
    REQUIRE(read);
    REQUIRE(read->has_value() == (size >= begun.size()));
    if (*read) REQUIRE((**read).fact(kLentOutput, "lent").empty());
  }
}

TEST_CASE_FIXTURE(Entry, "what is no entry, or of another version, or has a line that is none, is refused") {
  for (const std::string& other : {std::string("x"), std::string("buildjail-journal 1\nbegun\n"), "\n" + text,
                                   text + "more\n", text + "more \n", text + " key value\n", text + "session pid -1\n",
                                   text + "a name a\\b\n", std::string("buildjail-journal 2\nbegun\n")}) {
    REQUIRE_FALSE(read_entry("journal", other));
  }
}

}  // namespace
