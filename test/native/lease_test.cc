// What one live session at a time may have.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "envelope/output.h"
#include "envelope/part_list.h"
#include "left_session.h"
#include "state/files.h"
#include "state/journal.h"
#include "state/lease.h"

namespace {

using namespace buildjail;  // NOLINT(google-build-using-namespace): all of it is under test

struct Folder {
  ~Folder() { ::rmdir(folder.c_str()); }
  const std::string folder = make_folder();
};

TEST_CASE_FIXTURE(Folder, "a session's entry is private, and goes with it") {
  const std::string file = journal_of(folder, "one");
  Journal journal(file);
  struct stat found{};
  REQUIRE(journal.begin());
  REQUIRE(::stat(file.c_str(), &found) == 0);
  REQUIRE((found.st_mode & 0777) == 0600);
  CHECK(journal.end());
  CHECK(::stat(file.c_str(), &found) != 0);
  CHECK(journal.end());
}

TEST_CASE_FIXTURE(Folder, "a state directory that others can write to is refused") {
  const std::string open_to_all = folder + "/open";
  REQUIRE(::mkdir(open_to_all.c_str(), 0777) == 0);
  REQUIRE(::chmod(open_to_all.c_str(), 0777) == 0);
  const auto status = make_private_directory(open_to_all);
  ::rmdir(open_to_all.c_str());
  REQUIRE_FALSE(status);
  CHECK(status.error().err == EPERM);
}

TEST_CASE_FIXTURE(Folder,
                  "of two sessions that would write to one directory the second is refused, until the first is gone") {
  const Bind bind{.target = "/output", .source = folder, .is_file = false, .is_writable = true, .dev = 0, .ino = 0};
  Journal first_journal(journal_of(folder, kFirst));
  REQUIRE(first_journal.begin());
  REQUIRE(first_journal.note(StateEntry(first_journal, entry_of(kFirst)).facts()));
  Trace trace;
  TakingAway taking{.trace = trace};
  const Lessee first_lessee = lessee_in(folder, kFirst);
  const Lessee second_lessee = lessee_in(folder, kSecond);
  OutputLease first(first_lessee, bind);
  OutputLease second(second_lessee, bind);
  REQUIRE(first.make(trace));
  const auto refused = second.make(trace);
  REQUIRE_FALSE(refused);
  REQUIRE(refused.error().err == EBUSY);
  REQUIRE(second.take_away(taking));
  REQUIRE(first.take_away(taking));
  REQUIRE(second.make(trace));
  CHECK(second.take_away(taking));
  CHECK(first_journal.end());
  CHECK(::access(output_lease_file(folder, 0, 0).c_str(), F_OK) != 0);
}

// A session can take the output between the reading of a journal and the handing back.
TEST_CASE_FIXTURE(Folder, "a recovery takes over no lease that another session took meanwhile, be it live or dead") {
  const LeaseHolder dead{.id = kFirst, .state_directory = folder};
  const LeaseHolder other{.id = kSecond, .state_directory = folder};
  const std::string file = output_lease_file(folder, 0, 0);
  const auto leased_by = [&file](const LeaseHolder& holder) {
    UniqueFd fd = *lock_file("lease", file, O_RDWR | O_CREAT | O_TRUNC);
    if (!append("lease", file, fd.get(), line_of(holder))) std::abort();
    return fd;
  };
  const auto is_taken_over = [&] { return *OutputLease(file, dead).take_over(); };
  leased_by(dead);
  CHECK(is_taken_over());
  leased_by(other);
  CHECK_FALSE(is_taken_over());
  const UniqueFd live = leased_by(other);
  CHECK_FALSE(is_taken_over());
  ::unlink(file.c_str());
}

/** A state directory and the host's leases. Both are empty again in the end. */
struct Places {
  Places() {
    ::mkdir(state.c_str(), 0700);
    ::mkdir(host.c_str(), 0700);
  }
  ~Places() {
    CHECK(::rmdir(state.c_str()) == 0);
    CHECK(::rmdir(host.c_str()) == 0);
    CHECK(::rmdir(folder.c_str()) == 0);
  }
  [[nodiscard]] Lessee lessee(const char* id) const {
    return {.host_directory = host, .session = {.id = id, .state_directory = state}, .recovery_of = recovery_in};
  }

  const std::string folder = make_folder();
  const std::string state = folder + "/a state";
  const std::string host = folder + "/host";
  const NumberedThings things{.step = "user-lease", .name = "user", .plural = "build users", .first = 5000, .count = 4};
};

TEST_CASE_FIXTURE(Places, "who has a lease is read as it was written, and what has no end is not there") {
  const LeaseHolder one{.id = kFirst, .state_directory = "/a\n b\\"};
  const std::string text = line_of(one);
  CHECK(holder_in(text) == one);
  CHECK(holder_in(text + line_of({.id = kSecond, .state_directory = "/c"})) == one);
  CHECK_FALSE(holder_in(std::string_view(text).substr(0, text.size() - 1)));
  CHECK_FALSE(holder_in("x\n"));
  CHECK_FALSE(holder_in(""));
}

TEST_CASE_FIXTURE(Places,
                  "numbers go to one session each, and to no more than there are; the error says who has them") {
  std::vector<NumberedLease> taken;
  std::set<std::uint32_t> numbers;
  for (int i = 0; i < 4; ++i) {
    Journal journal(journal_of(state, kFirst));
    auto lease = NumberedLease::take(things, lessee(kFirst));
    REQUIRE(lease);
    numbers.insert(lease->number());
    taken.push_back(std::move(*lease));
  }
  const auto fifth = NumberedLease::take(things, lessee(kSecond));
  CHECK(numbers == std::set<std::uint32_t>{5000, 5001, 5002, 5003});
  REQUIRE_FALSE(fifth);
  CHECK(fifth.error().err == EBUSY);
  CHECK(fifth.error().step == "user-lease");
  CHECK(fifth.error().detail.starts_with("none of the 4 build users from 5000 is free"));
  CHECK(fifth.error().detail.find(kFirst) != std::string::npos);
  for (NumberedLease& lease : taken) {
    CHECK(lease.give_back());
    CHECK(lease.give_back());
  }
  const auto names = names_in(host);
  REQUIRE(names);
  CHECK(names->empty());
}

TEST_CASE_FIXTURE(Places, "a number that is of no use is not given out, and the error says why") {
  NumberedThings few = things;
  few.count = 2;
  few.objection = [](std::uint32_t number) { return Result<std::string>(number == 5001 ? "is somebody's" : ""); };
  auto first = NumberedLease::take(few, lessee(kFirst));
  const auto second = NumberedLease::take(few, lessee(kSecond));
  REQUIRE(first);
  CHECK(first->number() == 5000);
  REQUIRE_FALSE(second);
  CHECK(second.error().detail.find("5001 is somebody's") != std::string::npos);
  CHECK(first->give_back());
}

TEST_CASE_FIXTURE(Places, "a dead session that had a number is recovered before the number is given out again") {
  NumberedThings one = things;
  one.count = 1;
  leave_dead(state, kFirst);
  {
    const auto left = NumberedLease::take(one, lessee(kFirst));
    REQUIRE(left);
  }
  auto again = NumberedLease::take(one, lessee(kSecond));
  REQUIRE(again);
  CHECK(again->number() == 5000);
  CHECK(::access(journal_of(state, kFirst).c_str(), F_OK) != 0);
  CHECK(again->give_back());
}

TEST_CASE_FIXTURE(Places, "a dead session's number that cannot be recovered is not given out") {
  NumberedThings one = things;
  one.count = 1;
  leave_dead(state, kFirst, {{"unheard", "of", "it"}});
  {
    const auto left = NumberedLease::take(one, lessee(kFirst));
    REQUIRE(left);
  }
  const auto again = NumberedLease::take(one, lessee(kSecond));
  REQUIRE_FALSE(again);
  CHECK(again.error().err == EBUSY);
  ::unlink(journal_of(state, kFirst).c_str());
  sweep_leases(host);
  const auto names = names_in(host);
  REQUIRE(names);
  CHECK(names->empty());
}

TEST_CASE_FIXTURE(Places, "a number that is named is shared by those who name it, and by nobody who leases it") {
  auto one = NumberedLease::share(things, 5002, lessee(kFirst));
  auto other = NumberedLease::share(things, 5002, lessee(kSecond));
  REQUIRE(one);
  REQUIRE(other);
  NumberedThings only = things;
  only.first = 5002;
  only.count = 1;
  CHECK_FALSE(NumberedLease::take(only, lessee(kFirst)));
  CHECK(one->give_back());
  CHECK_FALSE(NumberedLease::take(only, lessee(kFirst)));
  CHECK(other->give_back());
  Journal journal(journal_of(state, kFirst));
  REQUIRE(journal.begin());
  REQUIRE(journal.note(StateEntry(journal, entry_of(kFirst)).facts()));
  auto leased = NumberedLease::take(only, lessee(kFirst));
  const auto named = NumberedLease::share(things, 5002, lessee(kSecond));
  REQUIRE(leased);
  REQUIRE_FALSE(named);
  CHECK(named.error().err == EBUSY);
  CHECK(leased->give_back());
  CHECK(journal.end());
}

TEST_CASE_FIXTURE(Places, "a dead session's number stays leased for as long as its journal is there, and no longer") {
  leave_dead(state, kFirst);
  std::string file;
  {
    const auto left = NumberedLease::take(things, lessee(kFirst));
    REQUIRE(left);
    file = left->file();
  }
  sweep_leases(host);
  CHECK(::access(file.c_str(), F_OK) == 0);
  ::unlink(journal_of(state, kFirst).c_str());
  sweep_leases(host);
  CHECK(::access(file.c_str(), F_OK) != 0);
}

TEST_CASE_FIXTURE(Places, "a dead session's number is waited for while a process that ends still has its lock") {
  auto left = NumberedLease::take(things, lessee(kFirst));
  REQUIRE(left);
  const std::string file = left->file();
  const auto is_of = [](const char* id) {
    return [id](const std::optional<LeaseHolder>& holder) { return holder && holder->id == id; };
  };
  sweep_leases(host, std::chrono::milliseconds(10), is_of(kSecond));
  sweep_leases(host, std::chrono::milliseconds(10), is_of(kFirst));
  CHECK(::access(file.c_str(), F_OK) == 0);
  std::thread ending([held = std::move(*left)]() mutable {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    held = {};
  });
  sweep_leases(host, std::chrono::seconds(10), is_of(kFirst));
  ending.join();
  CHECK(::access(file.c_str(), F_OK) != 0);
}

TEST_CASE_FIXTURE(Places, "a folder that others can exchange is refused, and one in a sticky folder is not") {
  const std::string open_to_all = folder + "/open";
  const std::string inside = open_to_all + "/inside";
  ::mkdir(open_to_all.c_str(), 0700);
  ::mkdir(inside.c_str(), 0700);
  REQUIRE(Surroundings().refuse_exposed(inside));
  REQUIRE(Surroundings().refuse_exposed(open_to_all + "/not there"));
  ::chmod(open_to_all.c_str(), 01777);
  REQUIRE(Surroundings().refuse_exposed(inside));
  ::chmod(open_to_all.c_str(), 0777);
  // What was refused once is not taken for safe by the next path.
  Surroundings around;
  CHECK_FALSE(around.refuse_exposed(open_to_all + "/not there"));
  const auto changeable = around.refuse_exposed(inside);
  ::chmod(open_to_all.c_str(), 0700);
  const std::string link = folder + "/link";
  static_cast<void>(::symlink(open_to_all.c_str(), link.c_str()));
  CHECK_FALSE(Surroundings().refuse_exposed(link));
  CHECK_FALSE(Surroundings().refuse_exposed(link + "/inside"));
  ::unlink(link.c_str());
  ::rmdir(inside.c_str());
  ::rmdir(open_to_all.c_str());
  REQUIRE_FALSE(changeable);
  CHECK(changeable.error().err == EPERM);
}

TEST_CASE_FIXTURE(Places, "the place of leases is private, and the same each time") {
  Surroundings around;
  const auto found = host_directory(around);
  const auto again = host_directory(around);
  struct stat made{};
  REQUIRE(found);
  REQUIRE(again);
  CHECK(*found == *again);
  CHECK(::lstat(found->c_str(), &made) == 0);
  CHECK((made.st_mode & 07777) == 0700);
  CHECK(made.st_uid == ::geteuid());
}

}  // namespace
