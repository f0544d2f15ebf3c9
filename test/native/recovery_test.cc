// What a recovery takes away, and what it leaves alone.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "envelope/output.h"
#include "envelope/part_list.h"
#include "left_session.h"
#include "state/files.h"
#include "state/journal.h"
#include "state/lent_fact.h"
#include "state/lent_output.h"
#include "state/recovery.h"

namespace {

using namespace buildjail;  // NOLINT(google-build-using-namespace): all of it is under test

constexpr std::chrono::milliseconds kNoWait{0};

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

struct stat state_at(const std::string& path) {
  struct stat found{};
  ::stat(path.c_str(), &found);
  return found;
}

/** A folder that is there, as an output. */
Bind output_at(const std::string& folder) {
  const struct stat found = state_at(folder);
  return {.target = "/output",
          .source = folder,
          .is_file = false,
          .is_writable = true,
          .dev = static_cast<std::uint64_t>(found.st_dev),
          .ino = found.st_ino};
}

/** A part that counts how often it was taken away, and that cannot be for as many times as it has to stay. */
class Something final : public Part {
 public:
  inline static int taken_away = 0;
  inline static int stays = 0;
  static constexpr std::string_view kFacts = "something";
  static Status add_left(const DeadSession& dead, Parts& parts) {
    for (const Fact& fact : dead.entry.facts) {
      if (fact.part == kFacts) parts.push_back(std::make_unique<Something>());
    }
    return {};
  }

  Status take_away(TakingAway& taking) override {
    if (stays-- > 0)
      return SysError{.step = "unmount", .syscall = "unmount", .err = EBUSY, .path = "/a", .dest = {}, .detail = {}};
    taken_away += 1;
    taking.taken.unmounted.emplace_back("/something");
    return {};
  }
};

/** A state directory on a system whose sessions leave `Something` and outputs. It is empty again in the end. */
struct StateDirectory {
  ~StateDirectory() {
    CHECK(::rmdir(folder.c_str()) == 0);
    CHECK(::rmdir(leases.c_str()) == 0);
  }
  void leave_dead(const char* id, const std::vector<Fact>& more = {}) const {
    buildjail::leave_dead(folder, id, more, leases);
  }
  [[nodiscard]] Lessee lessee(const char* id) const {
    return {.host_directory = leases,
            .session = {.id = id, .state_directory = folder},
            .recovery_of = [this](const std::string&) { return recovery; }};
  }

  const std::string folder = make_folder();
  const std::string leases = make_folder();
  const std::string file = journal_of(folder, kFirst);
  const std::string root = root_of(folder, kFirst);
  int& taken_away = Something::taken_away = 0;
  int& stays = Something::stays = 0;
  const Recovery recovery =
      recovery_of_parts<PartList<StateEntry, SessionDirectory, OutputLease, SourceList, LentDirectory, Something>>(
          folder, leases);
  const std::vector<Fact> facts{{"something", "is", "there"}};
};

TEST_CASE_FIXTURE(StateDirectory, "a session that lives is not touched by a recovery") {
  Journal journal(file);
  REQUIRE(journal.begin());
  REQUIRE(journal.note(StateEntry(journal, entry_of(kFirst)).facts()));
  const auto report = recovery.run(kNoWait);
  CHECK(report.recovered.empty());
  CHECK(report.leftovers.empty());
  CHECK(taken_away == 0);
  CHECK(exists(file));
  CHECK(journal.end());
}

TEST_CASE_FIXTURE(StateDirectory, "one whose owner let go of its entry is taken away, once, and its entry last") {
  leave_dead(kFirst, facts);
  const auto first = recovery.run(kNoWait);
  const auto second = recovery.run(kNoWait);
  REQUIRE(first.recovered.size() == 1);
  CHECK(first.recovered[0].id == kFirst);
  CHECK(second.recovered.empty());
  CHECK(taken_away == 1);
  CHECK_FALSE(exists(file));
}

TEST_CASE_FIXTURE(StateDirectory, "one that cannot be taken away keeps its entry, is reported, and is tried again") {
  leave_dead(kFirst, facts);
  stays = 1;
  const auto report = recovery.run(kNoWait);
  CHECK(exists(file));
  REQUIRE(report.leftovers.size() == 1);
  CHECK(report.leftovers[0].reason == "unmount '/a': EBUSY");
  CHECK(recovery.run(kNoWait).recovered.size() == 1);
  CHECK_FALSE(exists(file));
}

TEST_CASE_FIXTURE(StateDirectory,
                  "a damaged entry, one of another session, and what is none of ours are left alone and reported") {
  leave_dead(kFirst, facts);
  const auto put = [](const std::string& path, const std::string& text, int flags) {
    const UniqueFd fd(::open(path.c_str(), flags | O_WRONLY | O_CLOEXEC, 0600));
    static_cast<void>(::write(fd.get(), text.data(), text.size()));
  };
  SUBCASE("damaged") { put(file, "garbage", O_TRUNC); }
  SUBCASE("of another session") { put(file, "session id 0\n", O_APPEND); }
  SUBCASE("with a fact of no part") { put(file, "unheard of\n", O_APPEND); }
  SUBCASE("that others can read") { ::chmod(file.c_str(), 0644); }
  SUBCASE("with a file as its root") { put(root, "", O_CREAT); }
  const auto report = recovery.run(kNoWait);
  CHECK(report.leftovers.size() == 1);
  CHECK(report.recovered.empty());
  CHECK(exists(file));
  CHECK(taken_away == 0);
  ::unlink(file.c_str());
  ::unlink(root.c_str());
}

TEST_CASE_FIXTURE(StateDirectory,
                  "an entry that its process had only just made goes, and so does a root whose entry is gone") {
  {
    const UniqueFd empty(::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  }
  ::mkdir(root_of(folder, kSecond).c_str(), 0700);
  const auto report = recovery.run(kNoWait);
  CHECK_FALSE(exists(file));
  CHECK_FALSE(exists(root_of(folder, kSecond)));
  CHECK(report.leftovers.empty());
}

TEST_CASE_FIXTURE(StateDirectory, "a root without an entry and with something in it is left alone") {
  ::mkdir(root.c_str(), 0700);
  ::mkdir((root + "/other").c_str(), 0700);
  const auto report = recovery.run(kNoWait);
  CHECK(exists(root));
  ::rmdir((root + "/other").c_str());
  ::rmdir(root.c_str());
  REQUIRE(report.leftovers.size() == 1);
  CHECK(report.leftovers[0].path == root);
}

TEST_CASE_FIXTURE(StateDirectory, "an output still lent to a dead session has its mode back before it is lent again") {
  const std::string output = folder + "/output";
  ::mkdir(output.c_str(), 0751);
  ::chmod(output.c_str(), 0751);
  const Bind bind = output_at(output);
  Trace trace;
  TakingAway taking{.trace = trace};
  const Lessee first_lessee = lessee(kFirst);
  const Lessee second_lessee = lessee(kSecond);
  {
    OutputLease lease(first_lessee, bind);
    REQUIRE(lease.make(trace));
    const Fact lent = lent_fact(*lease.before(), {.ids = {.first = ::geteuid()}});
    leave_dead(kFirst, {lent});
    REQUIRE(lease.note(lent));
    ::chmod(output.c_str(), 0777);
  }
  OutputLease again(second_lessee, bind);
  CHECK(again.make(trace));
  CHECK((state_at(output).st_mode & 07777) == 0751);
  CHECK_FALSE(exists(file));
  CHECK(again.take_away(taking));
  ::rmdir(output.c_str());
}

TEST_CASE_FIXTURE(StateDirectory, "an output that is not there any more is told of once") {
  const LentOutput gone{.path = folder + "/gone", .dev = 1, .ino = 2, .uid = 0, .gid = 0, .mode = 0755};
  const Fact lent = lent_fact(gone, {.ids = {.first = 1}});
  leave_dead(kFirst, {lent});
  leave_leased(leases, {.id = kFirst, .state_directory = folder}, gone, lent);
  const auto first = recovery.run(kNoWait);
  REQUIRE(first.recovered.size() == 1);
  CHECK(first.recovered[0].taken.lost == std::vector<std::string>{folder + "/gone"});
  CHECK(recovery.run(kNoWait).recovered.empty());
}

TEST_CASE_FIXTURE(StateDirectory, "an output that went on to another session is not taken from it") {
  const std::string output = folder + "/output";
  ::mkdir(output.c_str(), 0700);
  const Bind bind = output_at(output);
  Trace trace;
  TakingAway taking{.trace = trace};
  const Lessee second_lessee = lessee(kSecond);
  OutputLease lease(second_lessee, bind);
  Journal journal(journal_of(folder, kSecond));
  REQUIRE(journal.begin());
  REQUIRE(journal.note(StateEntry(journal, entry_of(kSecond)).facts()));
  REQUIRE(lease.make(trace));
  leave_dead(kFirst, {lent_fact(*lease.before(), {.ids = {.first = ::geteuid()}})});
  ::chmod(output.c_str(), 0777);
  const auto outcome = recovery.recover(kFirst, kNoWait);
  CHECK((state_at(output).st_mode & 07777) == 0777);
  CHECK(outcome.leftovers.empty());
  CHECK_FALSE(exists(file));
  ::rmdir(output.c_str());
  CHECK(lease.take_away(taking));
  CHECK(journal.end());
}

TEST_CASE_FIXTURE(StateDirectory, "sessions are listed with who is dead") {
  Journal journal(file);
  REQUIRE(journal.begin());
  REQUIRE(journal.note(StateEntry(journal, entry_of(kFirst)).facts()));
  leave_dead(kSecond);
  const auto listed = list_sessions(folder);
  static_cast<void>(recovery.run(kNoWait));
  CHECK(journal.end());
  REQUIRE(listed);
  REQUIRE(listed->size() == 2);
  CHECK((*listed)[0].is_live);
  CHECK_FALSE((*listed)[1].is_live);
}

}  // namespace
