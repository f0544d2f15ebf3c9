// What a journal can make a recovery do that a build or another user has written: nothing outside of what was leased.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "envelope/mount_points.h"
#include "envelope/output.h"
#include "envelope/part_list.h"
#include "envelope/sources.h"
#include "left_session.h"
#include "state/files.h"
#include "state/journal.h"
#include "state/lease.h"
#include "state/lent_fact.h"
#include "state/lent_output.h"
#include "state/recovery.h"

namespace {

using namespace buildjail;  // NOLINT(google-build-using-namespace): all of it is under test

constexpr std::chrono::milliseconds kNoWait{0};
constexpr uid_t kBuild = 70000;
constexpr uid_t kStranger = 70001;

bool is_root() { return ::geteuid() == 0; }

void put(const std::string& path, std::string_view text) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::abort();
}

void make(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), 0700) != 0 || ::chmod(path.c_str(), mode) != 0) std::abort();
}

LentOutput look_at(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return *lent_output(path, fd.get());
}

/** All that is at a path and below it, as words that tell whether anything was changed. */
void describe(const std::string& path, std::map<std::string, std::string>& all) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) return;
  std::string& words = all[path];
  for (const auto number : {std::uint64_t{found.st_ino}, std::uint64_t{found.st_mode}, std::uint64_t{found.st_uid},
                            std::uint64_t{found.st_gid}, std::uint64_t{found.st_nlink}})
    words += std::to_string(number) + " ";
  if (S_ISREG(found.st_mode)) words += text_of(path).value_or("unread");
  if (!S_ISDIR(found.st_mode)) return;
  const auto names = names_in(path);
  if (!names) return;
  for (const std::string& name : *names) describe(path + "/" + name, all);
}

/**
 * A host with a state directory, the leases, an output that a dead session has, one that a live session has, and what
 * is nobody's. The journal of the dead session is whatever a test writes.
 */
struct Host {
  Host() {
    make(state, 0700);
    make(leases, 0700);
    make(elsewhere, 0700);
    make(strange, 0755);
    make(strange + "/empty", 0755);
    put(strange + "/file", "its");
    put(strange + "/nothing", "");
    put(elsewhere + "/output-1-2", "");
    put(elsewhere + "/precious", "its");
    make(live, 0700);
    make(live + "/empty", 0755);
    make(output, 0755);
    put(output + "/made", "built");
    if (::symlink(strange.c_str(), link.c_str()) != 0) std::abort();
    if (is_root() && ::chown(strange.c_str(), kStranger, kStranger) != 0) std::abort();
    before = look_at(output);
    lent = lent_fact(before, lending);
    lend();
    const LentOutput of_live = look_at(live);
    const LeaseHolder second{.id = kSecond, .state_directory = state};
    lent_to_live = lent_fact(of_live, lending);
    leave_leased(leases, second, of_live, lent_to_live);
    held = *lock_file("lease", output_lease_file(leases, of_live.dev, of_live.ino), O_RDWR);
    put(leases + "/sources-" + kSecond, line_of(second));
    put(leases + "/ids-9155", line_of(second));
    put(journal_of(state, kSecond), entry_text(session_facts(entry_of(kSecond, leases))));
    held_journal = *lock_file("journal", journal_of(state, kSecond), O_RDONLY);
  }
  ~Host() { std::system(("rm -rf " + folder).c_str()); }
  Host& operator=(Host&&) = delete;

  /** As a session does that then dies. */
  void lend() const {
    leave_leased(leases, dead, before, lent);
    if (::chmod(output.c_str(), 0700) != 0) std::abort();
    if (is_root() &&
        (::chown(output.c_str(), kBuild, kBuild) != 0 || ::lchown((output + "/made").c_str(), kBuild, kBuild) != 0))
      std::abort();
  }
  /** What no recovery of the dead session may change. */
  [[nodiscard]] std::map<std::string, std::string> rest() const {
    std::map<std::string, std::string> all;
    for (const std::string& one : {elsewhere, strange, live, link}) describe(one, all);
    std::map<std::string, std::string> kept;
    describe(leases, kept);
    kept.erase(leases);
    kept.erase(output_lease_file(leases, before.dev, before.ino));
    all.merge(kept);
    return all;
  }
  [[nodiscard]] std::string state_of_output() const {
    const LentOutput now = look_at(output);
    return std::to_string(now.uid) + " " + std::to_string(now.gid) + " " + std::to_string(now.mode);
  }
  [[nodiscard]] RecoveryReport recover_after(const std::string& journal) const {
    put(journal_of(state, kFirst), journal);
    auto report = recovery_of_parts<OutputParts>(state, leases).run(kNoWait);
    ::unlink(journal_of(state, kFirst).c_str());
    return report;
  }
  [[nodiscard]] std::string begun(const std::vector<Fact>& facts) const {
    return entry_text(session_facts(entry_of(kFirst, leases))) + facts_text(facts);
  }

  const std::string folder = make_folder();
  const std::string state = folder + "/state";
  const std::string leases = folder + "/leases";
  const std::string elsewhere = folder + "/elsewhere";
  const std::string strange = folder + "/strange";
  const std::string live = folder + "/live";
  const std::string output = folder + "/output";
  const std::string link = folder + "/link";
  const LeaseHolder dead{.id = kFirst, .state_directory = state};
  const Lending lending{.ids = {.first = is_root() ? kBuild : ::geteuid(), .count = 1, .are_shared = false},
                        .gives_owner = is_root()};
  LentOutput before{};
  Fact lent;
  Fact lent_to_live;
  UniqueFd held;
  UniqueFd held_journal;
};

bool is_left_alone(const RecoveryReport& report, std::string_view word) {
  for (const auto& [path, reason] : report.leftovers) {
    if (reason.find(word) != std::string::npos) return true;
  }
  return false;
}

TEST_CASE_FIXTURE(Host, "what the lease says too is handed back, also beside facts that nothing bears out") {
  const auto as_before =
      std::to_string(before.uid) + " " + std::to_string(before.gid) + " " + std::to_string(before.mode);
  const auto others = rest();
  LentOutput worse = before;
  worse.mode = 06777;
  const auto report = recover_after(begun({lent, lent_fact(worse, lending), lent_fact(look_at(strange), lending)}));
  CHECK(state_of_output() == as_before);
  CHECK(rest() == others);
}

TEST_CASE_FIXTURE(Host, "an output that no lease of the session names is left alone, and told of as long as it is so") {
  LentOutput other = look_at(strange);
  other.mode = 0777;
  other.uid = 0;
  const auto others = rest();
  for (int round = 0; round < 2; ++round) {
    const auto report = recover_after(begun({lent_fact(other, lending)}));
    CHECK(is_left_alone(report, "no lease of that session says the same"));
    CHECK(rest() == others);
  }
}

TEST_CASE_FIXTURE(Host, "one that its lease tells otherwise of is left alone: owner, mode, ids, time") {
  const std::string as_lent = state_of_output();
  LentOutput worse = before;
  Lending others = lending;
  SUBCASE("owner") { worse.uid = kStranger; }
  SUBCASE("mode") { worse.mode = 04777; }
  SUBCASE("time") { worse.since_ns = 0; }
  SUBCASE("ids") { others.ids = {.first = 0, .count = std::uint64_t{1} << 32U, .are_shared = true}; }
  const auto report = recover_after(begun({lent_fact(worse, others)}));
  CHECK(is_left_alone(report, "no lease of that session says the same"));
  CHECK(state_of_output() == as_lent);
}

TEST_CASE_FIXTURE(Host, "that of a live session is left alone, with what is in it") {
  const LentOutput of_live = look_at(live);
  const PointedFolder in_live{.path = live, .dev = of_live.dev, .ino = of_live.ino};
  const auto others = rest();
  static_cast<void>(recover_after(begun({lent_to_live, point_fact(in_live, {.path = "empty"})})));
  CHECK(rest() == others);
}

TEST_CASE_FIXTURE(Host, "no folder becomes a directory of leases because a journal names it so") {
  const auto others = rest();
  const auto report = recover_after(entry_text(session_facts(entry_of(kFirst, elsewhere))));
  CHECK(is_left_alone(report, "for its leases"));
  CHECK(rest() == others);
}

TEST_CASE_FIXTURE(Host, "the list of sources of another session's id stays, in a state directory that is not its own") {
  const std::string mine = folder + "/mine";
  make(mine, 0700);
  put(journal_of(mine, kSecond), entry_text(session_facts(entry_of(kSecond, leases))));
  const auto others = rest();
  static_cast<void>(recovery_of_parts<OutputParts>(mine, leases).run(kNoWait));
  CHECK(rest() == others);
}

TEST_CASE_FIXTURE(Host, "a journal is not read from a state directory that others could write to, nor a huge one") {
  const std::string as_lent = state_of_output();
  const std::string file = journal_of(state, kFirst);
  put(file, begun({lent}));
  SUBCASE("mode") { ::chmod(state.c_str(), 0770); }
  SUBCASE("folder around it") { ::chmod(folder.c_str(), 0777); }
  SUBCASE("size") { REQUIRE(::truncate(file.c_str(), off_t{1} << 40) == 0); }
  SUBCASE("names") { REQUIRE(::link(file.c_str(), (folder + "/linked").c_str()) == 0); }
  const auto outcome = recovery_of_parts<OutputParts>(state, leases).recover(kFirst, kNoWait);
  CHECK(outcome.standing == Standing::kNotRecovered);
  CHECK(outcome.leftovers.size() == 1);
  CHECK(state_of_output() == as_lent);
}

/** Makes journals, from pieces that mean something here and from none. */
class Hostile {
 public:
  Hostile(const Host& host, std::uint32_t seed) : host_(host), random_(seed) {}

  std::string journal() {
    std::vector<Fact> facts;
    for (std::size_t left = below(6); left > 0; --left) facts.push_back(fact());
    if (is_so(2)) facts.push_back(host_.lent);
    if (is_so(8)) facts.push_back({"session", any({"leases", "id", "pid", "name", "recovering"}), value()});
    if (is_so(8)) facts.push_back({"session", "leases", path()});
    std::string text = host_.begun(facts);
    if (is_so(3)) mutate(text);
    return text;
  }

 private:
  std::size_t below(std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_); }
  bool is_so(std::size_t once_in) { return below(once_in) == 0; }
  std::string any(std::vector<std::string> of) { return of[below(of.size())]; }

  std::string path() {
    return any({host_.strange, host_.output, host_.live, host_.elsewhere, host_.leases, host_.state, host_.link,
                host_.strange + "/empty", host_.output + "/../strange", "/", "/proc/self/root" + host_.strange,
                host_.output + "/made", "relative", "", std::string(5000, '/'), host_.folder + "/gone"});
  }

  std::uint64_t number() {
    switch (below(4)) {
      case 0:
        return below(3);
      case 1:
        return std::uint64_t{kBuild} + below(3);
      case 2:
        return ~std::uint64_t{0} - below(2);
      default:
        return std::uint64_t{1} << below(64);
    }
  }

  LentOutput lent() {
    const std::string at = any({host_.strange, host_.output, host_.live, host_.elsewhere, host_.strange + "/empty"});
    LentOutput one = is_so(3) ? host_.before : look_at(at);
    if (is_so(3)) one.path = path();
    if (is_so(6)) one.dev = number();
    if (is_so(6)) one.ino = number();
    if (is_so(3)) one.uid = static_cast<uid_t>(number());
    if (is_so(3)) one.gid = static_cast<gid_t>(number());
    if (is_so(2)) one.mode = static_cast<mode_t>(below(010000));
    if (is_so(4)) one.since_ns = static_cast<std::int64_t>(number());
    if (is_so(6)) one.marks.push_back({.name = "user.planted", .value = "x"});
    return one;
  }

  Lending lending() {
    Lending one = host_.lending;
    if (is_so(2)) one.ids = {.first = static_cast<uid_t>(number()), .count = number(), .are_shared = is_so(2)};
    if (is_so(3)) one.is_store = true;
    return one;
  }

  Fact point() {
    const LentOutput at = look_at(any({host_.strange, host_.output, host_.live, host_.elsewhere}));
    const PointedFolder folder{.path = is_so(4) ? path() : at.path, .dev = at.dev, .ino = at.ino};
    if (is_so(4)) return points_made_fact(folder);
    MountPoint one{.path = any({"empty", "file", "nothing", "made", "output-1-2", "../strange/empty", "empty/..", "."}),
                   .is_file = is_so(2)};
    return point_fact(folder, one);
  }

  std::string value() {
    std::string text = is_so(2) ? path() : std::to_string(number());
    for (std::size_t left = below(4); left > 0; --left) text += " " + std::to_string(number());
    return text;
  }

  Fact fact() {
    switch (below(6)) {
      case 0:
      case 1:
      case 2:
        return lent_fact(lent(), lending());
      case 3:
      case 4:
        return point();
      default:
        return {any({"output", "mount-point", "root", "jail", "cgroup", "x"}), any({"lent", "at", "made", "path", "x"}),
                value()};
    }
  }

  void mutate(std::string& text) {
    for (std::size_t left = 1 + below(4); left > 0 && !text.empty(); --left) {
      const std::size_t at = below(text.size());
      switch (below(5)) {
        case 0:
          text[at] = static_cast<char>(below(256));
          break;
        case 1:
          text.erase(at, 1 + below(20));
          break;
        case 2:
          text.insert(at, text.substr(below(text.size()), below(80)));
          break;
        case 3:
          text.insert(at, std::to_string(number()));
          break;
        default:
          text.resize(at);
      }
    }
  }

  const Host& host_;
  std::mt19937 random_;
};

/** As BUILDJAIL_FUZZ_CASES says (test/unit/fuzz-cases.ts), and each of these takes a hundred times as long. */
std::uint32_t case_count() {
  constexpr std::uint32_t kUsual = 1000;
  constexpr std::uint32_t kSlower = 10;
  const char* const asked = std::getenv("BUILDJAIL_FUZZ_CASES");
  std::uint32_t count = 0;
  const std::string_view text = asked == nullptr ? "" : asked;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  return error == std::errc() && count > 0 ? count / kSlower + 1 : kUsual;
}

TEST_CASE_FIXTURE(Host, "whatever a journal says, nothing changes outside of what its session has leased") {
  const std::string as_before =
      std::to_string(before.uid) + " " + std::to_string(before.gid) + " " + std::to_string(before.mode);
  const std::string as_lent = state_of_output();
  const auto others = rest();
  std::uint32_t handed_back = 0;
  std::uint32_t told = 0;
  const std::uint32_t count = case_count();
  for (std::uint32_t number = 0; number < count; ++number) {
    const std::string journal = Hostile(*this, number).journal();
    const auto report = recover_after(journal);
    const std::string now = state_of_output();
    const bool is_either = now == as_before || now == as_lent;
    if (rest() != others || !is_either) {
      CAPTURE(number);
      CAPTURE(journal);
      CAPTURE(now);
      CHECK(rest() == others);
      REQUIRE(is_either);
      return;
    }
    handed_back += now == as_before ? 1 : 0;
    told += report.leftovers.empty() ? 0 : 1;
    if (now == as_before || ::access(output_lease_file(leases, before.dev, before.ino).c_str(), F_OK) != 0) lend();
  }
  // So that it has met both.
  CHECK(handed_back > count / 20);
  CHECK(told > count / 20);
}

}  // namespace
