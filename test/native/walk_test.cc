// The one walk that makes the parts of an envelope, and takes them away.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "envelope/part.h"
#include "envelope/part_list.h"
#include "left_session.h"
#include "state/journal.h"

namespace {

using namespace buildjail;  // NOLINT(google-build-using-namespace): all of it is under test

/** A part that writes down what becomes of it. */
class Noted final : public Part {
 public:
  struct Behaviour {
    std::string name;
    std::string place{};
    bool is_refused = false;
    /** How often it will not go. */
    int stays = 0;
    /** Known from the beginning, or once it was set. */
    std::string fact{};
  };

  Noted(Behaviour& behaviour, std::string& log) : behaviour_(behaviour), log_(log) {}

  std::string_view step() const override { return behaviour_.name; }
  std::vector<Fact> facts() const override {
    return behaviour_.fact.empty() ? std::vector<Fact>() : std::vector<Fact>{{behaviour_.name, "is", behaviour_.fact}};
  }
  Status make(Trace&) override {
    log_ += "+" + behaviour_.name;
    if (behaviour_.is_refused) return refusal("make");
    return {};
  }
  Status take_away(TakingAway&) override {
    log_ += "-" + behaviour_.name;
    if (behaviour_.stays-- > 0) return refusal("unmake");
    return {};
  }
  std::string_view place() const override { return behaviour_.place; }

 private:
  static SysError refusal(const char* call) {
    return {.step = {}, .syscall = call, .err = EBUSY, .path = {}, .dest = {}, .detail = {}};
  }

  Behaviour& behaviour_;
  std::string& log_;
};

/** Parts and what became of them. The first is an entry in a state directory. */
struct WalkUnderTest {
  explicit WalkUnderTest(std::vector<Noted::Behaviour> parts, const std::string& folder = make_folder())
      : state_directory(folder), behaviours(std::move(parts)), journal(journal_of(folder, kFirst)) {}
  ~WalkUnderTest() {
    for (auto& one : behaviours) one.stays = 0;
    static_cast<void>(walk.take_away());
    static_cast<void>(journal.end());
    ::rmdir(state_directory.c_str());
  }

  Parts all() {
    Parts parts;
    parts.push_back(std::make_unique<StateEntry>(journal, entry_of(kFirst)));
    for (auto& one : behaviours) parts.push_back(std::make_unique<Noted>(one, log));
    return parts;
  }
  Status open() { return walk.open(all(), journal, trace); }
  std::string noted() const {
    const UniqueFd fd(::open(journal_of(state_directory, kFirst).c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 4096> text{};
    const ssize_t got = ::read(fd.get(), text.data(), text.size());
    return {text.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
  }
  /** Every step that failed. */
  std::string close() {
    std::string failed;
    for (const auto& failure : walk.take_away().failures) failed += failure.step + " ";
    return failed;
  }

  std::string state_directory;
  std::vector<Noted::Behaviour> behaviours;
  std::string log;
  Journal journal;
  Trace trace;
  Walk walk;
};

using Behaviours = std::vector<Noted::Behaviour>;

TEST_CASE("parts are made in order and taken away backwards, and then there is nothing to do") {
  WalkUnderTest test(Behaviours{{.name = "a"}, {.name = "b"}, {.name = "c"}});
  REQUIRE(test.open());
  REQUIRE(test.log == "+a+b+c");
  REQUIRE(test.close().empty());
  const auto& steps = test.trace.entries();
  CHECK(test.log == "+a+b+c-c-b-a");
  CHECK(test.close().empty());
  CHECK(test.log == "+a+b+c-c-b-a");
  CHECK(steps.size() == 4);
  CHECK(steps[0].step == "journal");
  CHECK(steps[3].step == "c");
  CHECK(test.noted().empty());
}

TEST_CASE("when a part cannot be made those before it go, and it, and none after it is made") {
  WalkUnderTest test(Behaviours{{.name = "a"}, {.name = "b", .is_refused = true}, {.name = "c"}});
  const auto status = test.open();
  REQUIRE_FALSE(status);
  CHECK(status.error().step == "b");
  CHECK(status.error().detail.empty());
  CHECK(test.log == "+a+b-b-a");
  CHECK(test.noted().empty());
}

TEST_CASE("the error of an opening tells what could not be undone, and that can be tried again") {
  WalkUnderTest test(Behaviours{{.name = "a", .stays = 1}, {.name = "b", .is_refused = true}});
  const auto status = test.open();
  REQUIRE_FALSE(status);
  CHECK(status.error().syscall == "make");
  CHECK(status.error().detail == "; and could not be undone: unmake '', EBUSY");
  CHECK_FALSE(test.noted().empty());
  CHECK(test.close().empty());
  CHECK(test.noted().empty());
}

TEST_CASE("all that is known at the beginning is in the first write, before anything is made, and the rest in time") {
  WalkUnderTest test(Behaviours{{.name = "a", .fact = "one"}, {.name = "late"}, {.name = "c", .fact = "two\n"}});
  std::string before_late;
  Parts parts = test.all();
  class Reveals final : public Part {
   public:
    Reveals(WalkUnderTest& test, std::string& seen) : test_(test), seen_(seen) {}
    Status make(Trace&) override {
      seen_ = test_.noted();
      test_.behaviours[1].fact = "three";
      return {};
    }
    WalkUnderTest& test_;
    std::string& seen_;
  };
  parts.insert(parts.begin() + 2, std::make_unique<Reveals>(test, before_late));
  REQUIRE(test.walk.open(std::move(parts), test.journal, test.trace));
  CHECK(before_late.find("\na is one\nc is two\\n\nbegun\n") != std::string::npos);
  CHECK(before_late.find("late") == std::string::npos);
  CHECK(test.noted() == before_late + "late is three\n");
}

TEST_CASE("a part that will not go keeps what it stands on and nothing else, and goes the next time") {
  WalkUnderTest test(Behaviours{{.name = "root", .place = "/r"},
                                {.name = "lease", .place = "/l"},
                                {.name = "other", .place = "/r/b"},
                                {.name = "everywhere"},
                                {.name = "below", .place = "/r/a", .stays = 1},
                                {.name = "beside", .place = "/r/ab"},
                                {.name = "last"}});
  REQUIRE(test.open());
  test.log.clear();
  REQUIRE(test.close() == "below ");
  REQUIRE(test.log == "-last-beside-below-other-lease");
  REQUIRE_FALSE(test.noted().empty());
  test.log.clear();
  CHECK(test.close().empty());
  CHECK(test.log == "-below-everywhere-root");
  CHECK(test.noted().empty());
}

TEST_CASE("while processes live nothing that they could be in goes") {
  WalkUnderTest test(
      Behaviours{{.name = "root", .place = "/r"}, {.name = "lease", .place = "/l"}, {.name = "processes", .stays = 1}});
  REQUIRE(test.open());
  test.log.clear();
  REQUIRE(test.close() == "processes ");
  REQUIRE(test.log == "-processes");
  CHECK(test.close().empty());
  CHECK(test.log == "-processes-processes-lease-root");
}

TEST_CASE("what a walk has goes with it") {
  WalkUnderTest test(Behaviours{{.name = "a"}});
  {
    Walk walk;
    REQUIRE(walk.open(test.all(), test.journal, test.trace));
  }
  CHECK(test.log == "+a-a");
  CHECK(test.noted().empty());
}

TEST_CASE("what could not be added stays, and goes with the rest") {
  WalkUnderTest test(Behaviours{{.name = "a"}, {.name = "b"}, {.name = "c", .is_refused = true}});
  Parts parts = test.all();
  Parts more;
  more.push_back(std::move(parts[2]));
  more.push_back(std::move(parts[3]));
  parts.resize(2);
  REQUIRE(test.walk.open(std::move(parts), test.journal, test.trace));
  REQUIRE_FALSE(test.walk.add(std::move(more), test.journal, test.trace));
  REQUIRE(test.log == "+a+b+c");
  CHECK(test.close().empty());
  CHECK(test.log == "+a+b+c-c-b-a");
}

}  // namespace
