// The parts of native/core that no kernel is needed for, each check named after what it protects. Prints one line a
// check; exits 1 when one failed.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/back_off.h"
#include "base/result.h"
#include "base/signals.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"
#include "check.h"
#include "envelope/accounting.h"
#include "envelope/job_request.h"
#include "envelope/mount_points.h"
#include "envelope/output.h"
#include "envelope/rebuilt.h"
#include "envelope/state_entry.h"
#include "envelope/walk.h"
#include "envelope/worker_threads.h"
#include "launch/launch_request.h"
#include "launch/mover.h"
#include "launch/stdio_ends.h"
#include "launch/vfork_child.h"
#include "launch/waiter.h"
#include "plan/nesting.h"
#include "plan/plan.h"
#include "plan/wire_reader.h"
#include "state/journal.h"
#include "state/lease.h"
#include "state/lent_output.h"
#include "state/private_directories.h"
#include "state/recovery.h"

namespace {

using namespace buildjail;  // NOLINT(google-build-using-namespace): all of it is under test

/** The other side of WireReader, as src/native/wire-plan.ts and wire-job.ts have it. */
class Packer {
 public:
  Packer& u8(std::uint8_t value) { return number(value, 1); }
  Packer& u32(std::uint32_t value) { return number(value, 4); }
  Packer& u64(std::uint64_t value) { return number(value, 8); }
  Packer& string(std::string_view text) {
    u32(static_cast<std::uint32_t>(text.size()));
    for (const char c : text) bytes_.push_back(static_cast<std::byte>(c));
    return *this;
  }
  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }
  /** Where it begins with its size. */
  Packer& size(std::uint32_t size) {
    for (std::size_t i = 0; i < 4; ++i) bytes_.at(i) = static_cast<std::byte>(size >> (8 * i));
    return *this;
  }

 private:
  Packer& number(std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i) bytes_.push_back(static_cast<std::byte>(value >> (8 * i)));
    return *this;
  }
  std::vector<std::byte> bytes_;
};

std::vector<std::byte> plan_with_directory(std::string_view target, std::uint32_t version = kWireVersion,
                                           std::uint32_t allowed = 0) {
  Packer packer;
  packer.u32(version)
      .string("name")
      .string("/state")
      .string("host")
      .u8(0)
      .string("")
      .u8(0)
      .u8(0)
      .u32(1)
      .u32(2)
      .u32(1)
      .u32(3)
      .u32(0);
  packer.u32(allowed).u32(0).u32(0);
  packer.u64(1U << 20U).u64(0).u64(~std::uint64_t{0}).u64(1500).u8(3);
  packer.u32(2).u8(0).string(target).u32(0755);
  packer.u8(6).string("/inputs/a").string("/source").u8(0).u8(1).u64(7).u64(8);
  return packer.bytes();
}

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

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

std::string make_folder() {
  std::string folder = "/tmp/buildjail-core-XXXXXX";
  return ::mkdtemp(folder.data()) == nullptr ? std::string() : folder;
}

constexpr const char* kFirst = "00000000000000f1";
constexpr const char* kSecond = "00000000000000f2";

/** A session of which nothing but its entry is there, and the entry left to a recovery. */
void leave_dead(const std::string& folder, const std::string& id, const std::vector<Fact>& more = {}) {
  Journal journal(journal_of(folder, id));
  std::vector<Fact> facts = StateEntry(journal, id, {}, folder).facts();
  facts.insert(facts.end(), more.begin(), more.end());
  if (!journal.begin() || !journal.note(facts)) std::abort();
}

const std::vector<Rebuild> kOutputsOnly{{kLentOutput, rebuild_output}};

/** Of a system whose sessions leave nothing but outputs. */
Recovery recovery_in(const std::string& state_directory) {
  return {state_directory, [state_directory](const JournalEntry& entry, Journal& journal, Outcome& outcome) {
            return take_away_rebuilt(kOutputsOnly, state_directory, entry, journal, outcome);
          }};
}

/** A session that leases in its own state directory. */
Lessee lessee_in(const std::string& folder, const std::string& id) {
  return {.host_directory = folder, .session = {.id = id, .state_directory = folder}, .recovery_of = recovery_in};
}

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
    parts.push_back(std::make_unique<StateEntry>(journal, kFirst, "demo"));
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

struct Shared {
  int seen = 0;
};

void check_wire() {
  check("a plan is read as it was packed", [] {
    const auto plan = read_plan(plan_with_directory("/a/b"));
    const auto* bind = plan ? std::get_if<Bind>(&plan->steps.at(1)) : nullptr;
    return bind != nullptr && bind->source == "/source" && bind->is_writable && !bind->is_file && bind->dev == 7 &&
           bind->ino == 8 && plan->user.uid == 1 && plan->user.gid == 2 && plan->user.groups == std::vector<gid_t>{3};
  });
  check("the limits of a plan are read as they were packed: none, none at all, and so many", [] {
    const auto plan = read_plan(plan_with_directory("/a"));
    if (!plan) return false;
    const auto& [memory, swap, processes, cpus, counts_cpu_time, is_best_effort] = plan->limits;
    return memory == 1U << 20U && swap == 0 && !processes && cpus == 1500 && counts_cpu_time && is_best_effort &&
           !plan->limits.is_empty() && Limits{}.is_empty();
  });
  check("a plan cut short anywhere is refused", [] {
    const auto whole = plan_with_directory("/a/b");
    for (std::size_t size = 0; size < whole.size(); ++size) {
      if (read_plan(std::span(whole).first(size))) return false;
    }
    return true;
  });
  check("a plan with bytes left over is refused", [] {
    auto bytes = plan_with_directory("/a");
    bytes.push_back(std::byte{0});
    return !read_plan(bytes);
  });
  check("a plan that allows something unknown is refused",
        [] { return !read_plan(plan_with_directory("/a", kWireVersion, 0x400)); });
  check("a plan of another version is refused", [] { return !read_plan(plan_with_directory("/a", kWireVersion + 1)); });
  check("a target that leaves the root is refused, even if TypeScript had let it through", [] {
    for (const char* target :
         {"", "/", "a", "/..", "/../etc", "/a/../b", "/a/..", "/.", "/a/./b", "//a", "/a//b", "/a/"}) {
      if (read_plan(plan_with_directory(target))) return false;
    }
    return true;
  });
  check("a string with a NUL in it is refused",
        [] { return !read_plan(plan_with_directory(std::string_view("/a\0b", 4))); });
  check("a length that promises more than there is allocates nothing and is refused", [] {
    Packer packer;
    packer.u32(0xffffffff);
    WireReader reader(packer.bytes());
    return reader.string().empty() && !reader.is_complete();
  });
}

void check_job() {
  check("a program is looked for in PATH, in order, and never in the working directory", [] {
    const auto request = read_job(job("cc", "PATH=/a::/b"));
    return request && executable_candidates(*request->command) == std::vector<std::string>{"/a/cc", "/b/cc"};
  });
  check("a program with a slash in its name is not looked for", [] {
    const auto request = read_job(job("./cc", "PATH=/a"));
    return request && executable_candidates(*request->command) == std::vector<std::string>{"./cc"};
  });
  check("the limits of a command are read as they were packed", [] {
    const auto request = read_job(job("cc", "PATH=/a"));
    if (!request) return false;
    const auto& [of_processes, output] = request->command->limits;
    return of_processes == std::array<std::uint64_t, kRlimits.size()>{2, 0, std::uint64_t{1} << 40U} && output == 7;
  });
  check("a job with a limit that is not known is refused", [] {
    auto bytes = job("cc", "PATH=/a");
    // Its number follows the size of all, and comes before 64 bits, the other one, and what follows them.
    constexpr std::size_t kBehind = 1 + 8 + 8 + std::size_t{3} * 5 + 8;
    bytes.at(bytes.size() - kBehind) = std::byte{kRlimits.size()};
    return !read_job(bytes);
  });
  check("what lies behind a job is not read", [] {
    auto bytes = job("cc", "PATH=/a");
    bytes.resize(bytes.size() + 100, std::byte{0xff});
    return static_cast<bool>(read_job(bytes));
  });
  check("a job whose size is not its own is refused", [] {
    const auto bytes = job("cc", "PATH=/a");
    const auto size = static_cast<std::uint32_t>(bytes.size());
    for (const std::uint32_t wrong : {0U, 3U, 4U, size - 1, size + 1, 0xffffffffU}) {
      auto changed = bytes;
      for (std::size_t i = 0; i < 4; ++i) changed.at(i) = static_cast<std::byte>(wrong >> (8 * i));
      if (read_job(changed)) return false;
    }
    return true;
  });
  check("a command without a program is refused", [] { return !read_job(job("", "PATH=/a")); });
  check("a terminal of its own is all of a command's standard descriptors, or none", [] {
    auto bytes = job("cc", "PATH=/a");
    // Behind the three, of which each is a number and an empty string, are the columns and rows of the terminal.
    const std::size_t first = bytes.size() - 8 - 15;
    for (const std::size_t at : {first, first + 5, first + 10}) bytes.at(at) = std::byte{7};
    const auto request = read_job(bytes);
    if (!request || request->command->stdio[2].kind != StdioKind::kPty || request->command->terminal_size.rows != 24)
      return false;
    bytes.at(first + 5) = std::byte{2};
    return !read_job(bytes);
  });
  check("a directory does not become a command's stdin", [] {
    auto command = *read_job(job("cc", "PATH=/a"))->command;
    command.stdio[0] = {StdioKind::kFile, "/"};
    StdioEnds ends;
    const auto status = ends.open_files(command.stdio);
    return !status && status.error().err == EISDIR;
  });
}

/** An exit status as wait4(2) has it. */
constexpr int exited(int code) { return code << 8; }

void check_limits() {
  const auto ended = [](int status, const CommandLimits& limits = {}, const LimitsMet& after = {},
                        std::int64_t user_us = 0) {
    const LimitsMet before{.memory = 1, .swap = 1, .processes = 1};
    const LimitsMet sum{.memory = 1 + after.memory, .swap = 1 + after.swap, .processes = 1 + after.processes};
    return ended_by({.status = status, .user_us = user_us, .system_us = 0, .max_rss_bytes = 0}, limits, before, sum);
  };
  CommandLimits limits;
  limits.of_processes[0] = 2;
  limits.of_processes[2] = 10;
  check("a limit that nobody met ended nothing", [&] {
    return !ended(exited(1)) && !ended(SIGKILL, limits) && !ended(SIGXCPU) && !ended(SIGXFSZ) &&
           !ended(exited(2), limits);
  });
  check("a command says by its signal which of its limits ended it, and so does a shell for its last program", [&] {
    return ended(SIGXCPU, limits) == Limit::kCpuTime && ended(exited(128 + SIGXCPU), limits) == Limit::kCpuTime &&
           ended(SIGXFSZ, limits) == Limit{"fileSize"} && ended(exited(128 + SIGXFSZ), limits) == Limit{"fileSize"};
  });
  check("one that takes no notice of SIGXCPU is known by the time that it took", [&] {
    return ended(SIGKILL, limits, {}, 2'050'000) == Limit::kCpuTime && !ended(SIGKILL, limits, {}, 1'950'000) &&
           !ended(exited(1), limits, {}, 9'000'000);
  });
  check("what the session met is told in this order, after what the command says of itself", [&] {
    const LimitsMet all{.memory = 1, .swap = 1, .processes = 1};
    return ended(SIGXCPU, limits, all) == Limit::kCpuTime && ended(SIGKILL, limits, all) == Limit::kMemory &&
           ended(exited(1), limits, {.memory = 0, .swap = 1, .processes = 1}) == Limit::kSwap &&
           ended(exited(1), limits, {.memory = 0, .swap = 0, .processes = 1}) == Limit::kProcesses;
  });
}

std::array<StdioRequest, 3> collected(StdioKind input) {
  std::array<StdioRequest, 3> stdio;
  stdio[0].kind = input;
  stdio[1].kind = stdio[2].kind = StdioKind::kCapture;
  return stdio;
}

void check_descriptors() {
  check("a descriptor is closed once, by its last owner", [] {
    UniqueFd first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const int number = first.get();
    UniqueFd second(std::move(first));
    if (!is_open(number)) return false;
    second.reset();
    return !is_open(number);
  });
  check("a captured stream keeps what its bound allows and says that there was more", [] {
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0) return false;
    const UniqueFd writer(pipe[1]);
    CapturedStream stream(UniqueFd(pipe[0]), UniqueFd(), 4, nullptr);
    if (::write(writer.get(), "abcdef", 6) != 6) return false;
    stream.read_some();
    const auto bytes = stream.take();
    return bytes.size() == 4 && std::memcmp(bytes.data(), "abcd", 4) == 0 && stream.is_over_bound();
  });
  check("draining ends although somebody still holds the other end", [] {
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0) return false;
    const UniqueFd writer(pipe[1]);
    CapturedStream stream(UniqueFd(pipe[0]), UniqueFd(), 100, nullptr);
    if (::write(writer.get(), "left", 4) != 4) return false;
    stream.drain();
    return stream.take().size() == 4;
  });
  check("descriptors made beforehand are one command's, and of no other kind than was asked for", [] {
    const std::array<StdioRequest, 3> ignored{};
    auto made = ReadyEnds::make();
    if (!made) return false;
    const int out = made->child[1].get();
    ReadyEnds ready;
    ready.keep(std::move(*made));
    if (ready.take(ignored).child[1] || ready.take(collected(StdioKind::kFile)).child[1]) return false;
    const StdioEnds taken = ready.take(collected(StdioKind::kIgnore));
    if (taken.child[1].get() != out || taken.child[0] || !taken.ours[1] || !taken.ours[2]) return false;
    return !ready.take(collected(StdioKind::kIgnore)).child[1];
  });
  check("descriptors made beforehand are closed with what they were for", [] {
    auto made = ReadyEnds::make();
    if (!made) return false;
    const int out = made->child[1].get();
    ReadyEnds ready;
    ready.keep(std::move(*made));
    if (!is_open(out)) return false;
    ready.drop();
    return !is_open(out);
  });
}

StdioRequest file_request(const std::string& path) { return {.kind = StdioKind::kFile, .path = path}; }

/** Files of one command, without its process. */
Result<std::unique_ptr<FlowThread>> start_files(StdioEnds& ends, FlowListener listener) {
  std::vector<std::unique_ptr<Flow>> flows;
  for (auto& file : ends.files) flows.push_back(std::move(file));
  return FlowThread::start(std::move(flows), std::move(listener));
}

/** Waits until the flows are settled, or for as long as a test may take. */
std::optional<FlowThread::Settled> settled(FlowThread& flows) {
  for (int i = 0; i < 2000; ++i) {
    if (auto found = flows.settled()) return found;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return std::nullopt;
}

void check_files() {
  const std::string folder = make_folder();
  const std::string file = folder + "/file";
  const FlowListener nobody{.failed = [] {}, .changed = [] {}};
  check("the session's own /dev/null is nothing of the host's", [] {
    StdioEnds ends;
    std::array<StdioRequest, 3> stdio{};
    stdio[1] = file_request("/dev/null");
    return ends.make_pipes(stdio) && ends.open_files(stdio) && ends.numbers() == std::array<int, 3>{-1, -1, -1};
  });
  check("a command is given no file, and one pipe for two outputs to the same", [&] {
    StdioEnds ends;
    std::array<StdioRequest, 3> stdio{};
    stdio[1] = stdio[2] = file_request(file);
    if (!ends.make_pipes(stdio) || !ends.open_files(stdio)) return false;
    struct stat found{};
    const auto numbers = ends.numbers();
    return ends.files.size() == 1 && numbers[1] == numbers[2] && ::fstat(numbers[1], &found) == 0 &&
           S_ISFIFO(found.st_mode);
  });
  check("a file is settled once what the command wrote is in the file, and goes on for a daemon until it is ended",
        [&] {
          StdioEnds ends;
          std::array<StdioRequest, 3> stdio{};
          stdio[1] = file_request(file);
          if (!ends.make_pipes(stdio) || !ends.open_files(stdio)) return false;
          auto flows = start_files(ends, nobody);
          if (!flows || ::write(ends.child[1].get(), "one", 3) != 3) return false;
          (*flows)->command_ended();
          struct stat found{};
          if (!settled(**flows) || ::stat(file.c_str(), &found) != 0 || found.st_size != 3 || (*flows)->is_over())
            return false;
          if (::write(ends.child[1].get(), "more", 4) != 4) return false;
          (*flows)->end_when_settled();
          for (int i = 0; i < 2000 && !(*flows)->is_over(); ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
          return (*flows)->is_over() && ::stat(file.c_str(), &found) == 0 && found.st_size == 7;
        });
  check("what goes to a file is counted; once it is too much that is told, once, and the file gets no more", [&] {
    StdioEnds ends;
    std::array<StdioRequest, 3> stdio{};
    stdio[1] = file_request(file);
    std::atomic<int> told = 0;
    ends.budget = std::make_shared<OutputBudget>(5, [&told] { told += 1; });
    if (!ends.make_pipes(stdio) || !ends.open_files(stdio)) return false;
    auto flows = start_files(ends, nobody);
    const auto wait = [](const auto& is_so) {
      for (int i = 0; i < 2000 && !is_so(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    };
    struct stat before{};
    if (!flows || ::stat(file.c_str(), &before) != 0) return false;
    const auto is_there = [&](off_t more) {
      struct stat found{};
      wait([&] { return ::stat(file.c_str(), &found) == 0 && found.st_size == before.st_size + more; });
      return found.st_size == before.st_size + more;
    };
    if (::write(ends.child[1].get(), "five.", 5) != 5 || !is_there(5) || told != 0) return false;
    if (::write(ends.child[1].get(), "6", 1) != 1) return false;
    wait([&] { return told == 1; });
    if (told != 1 || ::write(ends.child[1].get(), "more", 4) != 4) return false;
    (*flows)->command_ended();
    return settled(**flows).has_value() && is_there(5) && told == 1;
  });
  check("a file that cannot be written to is told, and its writer is not held up", [&] {
    StdioEnds ends;
    std::array<StdioRequest, 3> stdio{};
    stdio[1] = file_request("/dev/full");
    if (!ends.make_pipes(stdio) || !ends.open_files(stdio)) return false;
    std::atomic<int> told = 0;
    auto flows = start_files(ends, {.failed = [&told] { told += 1; }, .changed = [] {}});
    if (!flows || ::write(ends.child[1].get(), "one", 3) != 3) return false;
    for (int i = 0; i < 2000 && told < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    (*flows)->command_ended();
    const auto end = settled(**flows);
    return told >= 2 && end && end->output_failure && end->output_failure->err == ENOSPC && !end->input_failure;
  });
  ::unlink(file.c_str());
  ::rmdir(folder.c_str());
}

void check_folders() {
  const std::string folder = make_folder();
  check("a session's entry is private, and goes with it", [&folder] {
    const std::string file = journal_of(folder, "one");
    Journal journal(file);
    struct stat found{};
    if (!journal.begin() || ::stat(file.c_str(), &found) != 0 || (found.st_mode & 0777) != 0600) return false;
    return static_cast<bool>(journal.end()) && ::stat(file.c_str(), &found) != 0 && static_cast<bool>(journal.end());
  });
  check("a state directory that others can write to is refused", [&folder] {
    const std::string open_to_all = folder + "/open";
    if (::mkdir(open_to_all.c_str(), 0777) != 0 || ::chmod(open_to_all.c_str(), 0777) != 0) return false;
    const auto status = make_private_directory(open_to_all);
    ::rmdir(open_to_all.c_str());
    return !status && status.error().err == EPERM;
  });
  check("of two sessions that would write to one directory the second is refused, until the first is gone", [&folder] {
    const Bind bind{.target = "/output", .source = folder, .is_file = false, .is_writable = true, .dev = 0, .ino = 0};
    Journal first_journal(journal_of(folder, kFirst));
    if (!first_journal.begin() || !first_journal.note(StateEntry(first_journal, kFirst, {}).facts())) return false;
    Trace trace;
    TakingAway taking{.trace = trace};
    const Lessee first_lessee = lessee_in(folder, kFirst);
    const Lessee second_lessee = lessee_in(folder, kSecond);
    OutputLease first(first_lessee, bind);
    OutputLease second(second_lessee, bind);
    if (!first.make(trace)) return false;
    const auto refused = second.make(trace);
    if (refused || refused.error().err != EBUSY || !second.take_away(taking)) return false;
    if (!first.take_away(taking) || !second.make(trace)) return false;
    return second.take_away(taking) && first_journal.end() && ::access(lease_of(folder, 0, 0).c_str(), F_OK) != 0;
  });
  ::rmdir(folder.c_str());
}

void check_walk() {
  using Behaviours = std::vector<Noted::Behaviour>;
  check("parts are made in order and taken away backwards, and then there is nothing to do", [] {
    WalkUnderTest test(Behaviours{{.name = "a"}, {.name = "b"}, {.name = "c"}});
    if (!test.open() || test.log != "+a+b+c" || !test.close().empty()) return false;
    const auto& steps = test.trace.entries();
    return test.log == "+a+b+c-c-b-a" && test.close().empty() && test.log == "+a+b+c-c-b-a" && steps.size() == 4 &&
           steps[0].step == "journal" && steps[3].step == "c" && test.noted().empty();
  });
  check("when a part cannot be made those before it go, and it, and none after it is made", [] {
    WalkUnderTest test(Behaviours{{.name = "a"}, {.name = "b", .is_refused = true}, {.name = "c"}});
    const auto status = test.open();
    return !status && status.error().step == "b" && status.error().detail.empty() && test.log == "+a+b-b-a" &&
           test.noted().empty();
  });
  check("the error of an opening tells what could not be undone, and that can be tried again", [] {
    WalkUnderTest test(Behaviours{{.name = "a", .stays = 1}, {.name = "b", .is_refused = true}});
    const auto status = test.open();
    return !status && status.error().syscall == "make" &&
           status.error().detail == "; and could not be undone: unmake '', EBUSY" && !test.noted().empty() &&
           test.close().empty() && test.noted().empty();
  });
  check("all that is known at the beginning is in the first write, before anything is made, and the rest in time", [] {
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
    if (!test.walk.open(std::move(parts), test.journal, test.trace)) return false;
    return before_late.find("\na is one\nc is two\\n\nbegun\n") != std::string::npos &&
           before_late.find("late") == std::string::npos && test.noted() == before_late + "late is three\n";
  });
  check("a part that will not go keeps what it stands on and nothing else, and goes the next time", [] {
    WalkUnderTest test(Behaviours{{.name = "root", .place = "/r"},
                                  {.name = "lease", .place = "/l"},
                                  {.name = "other", .place = "/r/b"},
                                  {.name = "everywhere"},
                                  {.name = "below", .place = "/r/a", .stays = 1},
                                  {.name = "beside", .place = "/r/ab"},
                                  {.name = "last"}});
    if (!test.open()) return false;
    test.log.clear();
    if (test.close() != "below " || test.log != "-last-beside-below-other-lease" || test.noted().empty()) return false;
    test.log.clear();
    return test.close().empty() && test.log == "-below-everywhere-root" && test.noted().empty();
  });
  check("while processes live nothing that they could be in goes", [] {
    WalkUnderTest test(Behaviours{
        {.name = "root", .place = "/r"}, {.name = "lease", .place = "/l"}, {.name = "processes", .stays = 1}});
    if (!test.open()) return false;
    test.log.clear();
    if (test.close() != "processes " || test.log != "-processes") return false;
    return test.close().empty() && test.log == "-processes-processes-lease-root";
  });
  check("what a walk has goes with it", [] {
    WalkUnderTest test(Behaviours{{.name = "a"}});
    {
      Walk walk;
      if (!walk.open(test.all(), test.journal, test.trace)) return false;
    }
    return test.log == "+a-a" && test.noted().empty();
  });
  check("what could not be added stays, and goes with the rest", [] {
    WalkUnderTest test(Behaviours{{.name = "a"}, {.name = "b"}, {.name = "c", .is_refused = true}});
    Parts parts = test.all();
    Parts more;
    more.push_back(std::move(parts[2]));
    more.push_back(std::move(parts[3]));
    parts.resize(2);
    if (!test.walk.open(std::move(parts), test.journal, test.trace)) return false;
    if (test.walk.add(std::move(more), test.journal, test.trace) || test.log != "+a+b+c") return false;
    return test.close().empty() && test.log == "+a+b+c-c-b-a";
  });
}

void check_journal() {
  const JournalEntry entry{
      .id = kFirst, .name = "demo", .pid = 17, .started_ms = 1700000000123, .host_directory = "/leases", .facts = {}};
  std::vector<Fact> facts = session_facts(entry);
  facts.push_back({"root", "path", "/a\n b\\c\n"});
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
  const Lending lending{.ids = {.first = 35001, .count = 65536, .are_shared = false}, .takes_marks = false};
  const std::string begun = entry_text(facts);
  const std::string text = begun + facts_text({lent_fact(output, lending)});

  check("an entry is read as it was written, whatever is in a path", [&] {
    const auto read = read_entry("journal", text);
    if (!read || !*read) return false;
    const auto& [id, name, pid, started_ms, leases, is_being_recovered, read_facts] = **read;
    return leases == entry.host_directory && id == entry.id && name == entry.name && pid == 17 &&
           started_ms == 1700000000123 && !is_being_recovered && read_facts.size() == 2 &&
           (**read).fact("root", "path") == "/a\n b\\c\n" && (**read).fact("root", "other").empty();
  });
  check("a lent output is read as it was noted, and nothing else is taken for one", [&] {
    const auto read = read_entry("journal", text);
    const auto noted = noted_output((**read).facts.at(1));
    if (!noted) return false;
    const auto& [ids, gives_owner, takes_marks, is_store] = noted->lending;
    if (is_store) return false;
    if (ids.first != 35001 || ids.count != 65536 || ids.are_shared || !gives_owner || takes_marks) return false;
    const auto& [path, dev, ino, uid, gid, mode, flags, since_ns, marks] = noted->before;
    if (path != output.path || dev != ~0ULL || ino != 12 || uid != 1000 || gid != 1001 || mode != 02750 || flags != 04)
      return false;
    if (since_ns != output.since_ns || marks != output.marks) return false;
    if (!noted_output({kLentOutput, "lent", "1 1 0 2 3 4 5 755 0 6 0 /a"})) return false;
    for (const char* other :
         {"", "1 1 0 2 3", "1 1 0 2 3 4 5 755 0 6 0 a", "1 1 0 2 3 4 5 755 0 6 /a", "1 1 0 2 3 4 5 999 0 6 0 /a",
          "1 1 0 -2 3 4 5 755 0 6 0 /a", "1 1 16 2 3 4 5 755 0 6 0 /a", "1 1 0 2 3 4 5 755 0 6 1 /a",
          "1 1 0 2 3 4 5 755 0 6 1 6 - /a", "1 1 0 2 3 4 5 755 0 6 1 6g - /a"}) {
      if (noted_output({kLentOutput, "lent", other})) return false;
    }
    return !noted_output({kLentOutput, "other", lent_fact(output, lending).value});
  });
  check("a mount point is read as it was noted, and nothing that leads out of its folder is taken for one", [] {
    const PointedFolder folder{.path = "/a b/c", .dev = 7, .ino = ~0ULL};
    const MountPoint point{.path = "d/e f", .is_file = true, .dev = 1, .ino = 2};
    const auto noted = noted_point(point_fact(folder, point));
    if (!noted || !noted->point || noted->folder.path != folder.path || noted->folder.ino != folder.ino) return false;
    if (noted->point->path != point.path || !noted->point->is_file || noted->point->ino != 2) return false;
    const auto all = noted_point(points_made_fact(folder));
    if (!all || all->point || all->folder.path != folder.path || all->folder.dev != 7) return false;
    for (const char* other : {"", "1 2 0 0 0 2 /a", "1 2 0 0 0 2 /a/../b", "1 2 0 0 0 2 /a/b//c", "1 2 0 0 0 2 /a/.",
                              "1 2 0 0 2 2 /a/b", "1 2 0 0 0 1 /a/b", "1 2 0 0 0 9 /a/b", "1 2 0 0 0 1 a/b"}) {
      if (noted_point({kMountPoint, "at", other})) return false;
    }
    return noted_point({kMountPoint, "at", "1 2 0 0 0 2 /a/b"}) && !noted_point({kMountPoint, "other", "1 2 /a"});
  });
  check("what lies below others is found, whatever the order, and what only begins alike is not", [] {
    const auto bind = [](const char* target) {
      return Step(Bind{.target = target, .source = "/s", .is_file = false, .is_writable = false, .dev = 1, .ino = 1});
    };
    const std::vector<Step> base{bind("/w"), bind("/w-b")};
    const std::vector<Step> steps{bind("/w/a/b/c"), bind("/w-b/x"), bind("/w/a"), bind("/w/a-b"), bind("/v")};
    const auto nesting = nesting_in(steps, base);
    const auto outer = [&](std::size_t at) -> std::string {
      const auto found = nesting.find(&std::get<Bind>(steps[at]));
      return found == nesting.end() ? "" : found->second->target;
    };
    return nesting.size() == 4 && outer(0) == "/w/a" && outer(1) == "/w-b" && outer(2) == "/w" && outer(3) == "/w" &&
           outer(4).empty() && mount_point_in(std::get<Bind>(steps[2]), std::get<Bind>(steps[0])) == "b/c";
  });
  check("an entry cut short anywhere is that of a process which had not made anything yet, or had lent nothing", [&] {
    for (std::size_t size = 0; size < text.size(); ++size) {
      const auto read = read_entry("journal", text.substr(0, size));
      if (!read || read->has_value() != (size >= begun.size())) return false;
      if (*read && !(**read).fact(kLentOutput, "lent").empty()) return false;
    }
    return true;
  });
  check("what is no entry, or of another version, or has a line that is none, is refused", [&] {
    for (const std::string& other :
         {std::string("x"), std::string("buildjail-journal 1\nbegun\n"), "\n" + text, text + "more\n", text + "more \n",
          text + " key value\n", text + "session pid -1\n", text + "a name a\\b\n",
          std::string("buildjail-journal 2\nbegun\n")}) {
      if (read_entry("journal", other)) return false;
    }
    return true;
  });
}

void check_recovery() {
  const std::string folder = make_folder();
  const std::string file = journal_of(folder, kFirst);
  const std::string root = root_of(folder, kFirst);
  int taken_away = 0;
  int stays = 0;
  class Something final : public Part {
   public:
    Something(int& count, int& stays) : count_(count), stays_(stays) {}
    Status make(Trace&) override { return {}; }
    Status take_away(TakingAway& taking) override {
      if (stays_-- > 0)
        return SysError{.step = "unmount", .syscall = "unmount", .err = EBUSY, .path = "/a", .dest = {}, .detail = {}};
      count_ += 1;
      taking.trace.mark("unmount", "/something");
      return {};
    }
    int& count_;
    int& stays_;
  };
  const Rebuild something{"something", [&](const Fact&, Remains& remains) {
                            remains.parts.push_back(std::make_unique<Something>(taken_away, stays));
                            return Status();
                          }};
  const std::vector<Rebuild> table{{kLentOutput, rebuild_output}, something};
  const Recovery recovery(folder, [&](const JournalEntry& entry, Journal& journal, Outcome& outcome) {
    return take_away_rebuilt(table, folder, entry, journal, outcome);
  });
  const std::vector<Fact> facts{{"something", "is", "there"}};
  const auto exists = [](const std::string& path) { return ::access(path.c_str(), F_OK) == 0; };
  constexpr std::chrono::milliseconds kNoWait{0};

  check("a session that lives is not touched by a recovery", [&] {
    Journal journal(file);
    if (!journal.begin() || !journal.note(StateEntry(journal, kFirst, {}).facts())) return false;
    const auto report = recovery.run(kNoWait);
    return report.recovered.empty() && report.left_alone.empty() && taken_away == 0 && exists(file) && journal.end();
  });
  check("one whose owner let go of its entry is taken away, once, and its entry last", [&] {
    leave_dead(folder, kFirst, facts);
    const auto first = recovery.run(kNoWait);
    const auto second = recovery.run(kNoWait);
    return first.recovered.size() == 1 && first.recovered[0].id == kFirst && second.recovered.empty() &&
           taken_away == 1 && !exists(file);
  });
  check("one that cannot be taken away keeps its entry, is reported, and is tried again", [&] {
    leave_dead(folder, kFirst, facts);
    stays = 1;
    const auto report = recovery.run(kNoWait);
    const bool is_kept = exists(file);
    return is_kept && report.left_alone.size() == 1 && report.left_alone[0].reason == "unmount '/a': EBUSY" &&
           recovery.run(kNoWait).recovered.size() == 1 && !exists(file);
  });
  check("a damaged entry, one of another session, and what is none of ours are left alone and reported", [&] {
    const auto is_left = [&](const std::function<void()>& spoil) {
      leave_dead(folder, kFirst, facts);
      spoil();
      const auto report = recovery.run(kNoWait);
      const bool is_good = report.left_alone.size() == 1 && report.recovered.empty() && exists(file);
      ::unlink(file.c_str());
      ::unlink(root.c_str());
      return is_good;
    };
    const auto put = [](const std::string& path, const std::string& text, int flags) {
      const UniqueFd fd(::open(path.c_str(), flags | O_WRONLY | O_CLOEXEC, 0600));
      static_cast<void>(::write(fd.get(), text.data(), text.size()));
    };
    const int before = taken_away;
    return is_left([&] { put(file, "garbage", O_TRUNC); }) && is_left([&] { put(file, "session id 0\n", O_APPEND); }) &&
           is_left([&] { put(file, "unheard of\n", O_APPEND); }) && is_left([&] { ::chmod(file.c_str(), 0644); }) &&
           is_left([&] { put(root, "", O_CREAT); }) && taken_away == before;
  });
  check("an entry that its process had only just made goes, and so does a root whose entry is gone", [&] {
    {
      const UniqueFd empty(::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    }
    ::mkdir(root_of(folder, kSecond).c_str(), 0700);
    const auto report = recovery.run(kNoWait);
    return !exists(file) && !exists(root_of(folder, kSecond)) && report.left_alone.empty();
  });
  check("a root without an entry and with something in it is left alone", [&] {
    ::mkdir(root.c_str(), 0700);
    ::mkdir((root + "/other").c_str(), 0700);
    const auto report = recovery.run(kNoWait);
    const bool is_left = exists(root) && report.left_alone.size() == 1 && report.left_alone[0].path == root;
    ::rmdir((root + "/other").c_str());
    ::rmdir(root.c_str());
    return is_left;
  });
  check("an output still lent to a dead session has its mode back before it is lent again", [&] {
    const std::string output = folder + "/output";
    ::mkdir(output.c_str(), 0751);
    ::chmod(output.c_str(), 0751);
    struct stat found{};
    ::stat(output.c_str(), &found);
    const Bind bind{.target = "/output",
                    .source = output,
                    .is_file = false,
                    .is_writable = true,
                    .dev = static_cast<std::uint64_t>(found.st_dev),
                    .ino = found.st_ino};
    Trace trace;
    TakingAway taking{.trace = trace};
    const Lessee first_lessee = lessee_in(folder, kFirst);
    const Lessee second_lessee = lessee_in(folder, kSecond);
    {
      OutputLease lease(first_lessee, bind);
      if (!lease.make(trace)) return false;
      leave_dead(folder, kFirst, {lent_fact(*lease.before(), {.ids = {.first = ::geteuid()}})});
      ::chmod(output.c_str(), 0777);
    }
    OutputLease again(second_lessee, bind);
    const bool is_taken = static_cast<bool>(again.make(trace));
    ::stat(output.c_str(), &found);
    const bool is_back = is_taken && (found.st_mode & 07777) == 0751 && !exists(file) && again.take_away(taking);
    ::rmdir(output.c_str());
    return is_back;
  });
  check("an output that is not there any more is told of once", [&] {
    leave_dead(folder, kFirst,
               {lent_fact({.path = folder + "/gone", .dev = 1, .ino = 2, .uid = 0, .gid = 0, .mode = 0755},
                          {.ids = {.first = 1}})});
    const auto first = recovery.run(kNoWait);
    return first.recovered.size() == 1 && first.recovered[0].lost == std::vector<std::string>{folder + "/gone"} &&
           recovery.run(kNoWait).recovered.empty();
  });
  check("an output that went on to another session is not taken from it", [&] {
    const std::string output = folder + "/output";
    ::mkdir(output.c_str(), 0700);
    struct stat found{};
    ::stat(output.c_str(), &found);
    const Bind bind{.target = "/output",
                    .source = output,
                    .is_file = false,
                    .is_writable = true,
                    .dev = static_cast<std::uint64_t>(found.st_dev),
                    .ino = found.st_ino};
    Trace trace;
    TakingAway taking{.trace = trace};
    const Lessee second_lessee = lessee_in(folder, kSecond);
    OutputLease lease(second_lessee, bind);
    Journal journal(journal_of(folder, kSecond));
    if (!journal.begin() || !journal.note(StateEntry(journal, kSecond, {}).facts()) || !lease.make(trace)) return false;
    leave_dead(folder, kFirst, {lent_fact(*lease.before(), {.ids = {.first = ::geteuid()}})});
    ::chmod(output.c_str(), 0777);
    const auto outcome = recovery.recover(kFirst, kNoWait);
    ::stat(output.c_str(), &found);
    const bool is_kept = (found.st_mode & 07777) == 0777 && outcome.left_alone.empty() && !exists(file);
    ::rmdir(output.c_str());
    return is_kept && lease.take_away(taking) && journal.end();
  });
  check("sessions are listed with who is dead", [&] {
    Journal journal(file);
    if (!journal.begin() || !journal.note(StateEntry(journal, kFirst, {}).facts())) return false;
    leave_dead(folder, kSecond);
    const auto listed = list_sessions(folder);
    const bool is_right = listed && listed->size() == 2 && (*listed)[0].is_live && !(*listed)[1].is_live;
    static_cast<void>(recovery.run(kNoWait));
    return is_right && journal.end();
  });
  check("the folder is as empty as it was", [&] { return ::rmdir(folder.c_str()) == 0; });
}

void check_leases() {
  const std::string folder = make_folder();
  const std::string state = folder + "/a state";
  const std::string host = folder + "/host";
  ::mkdir(state.c_str(), 0700);
  ::mkdir(host.c_str(), 0700);
  const auto lessee = [&](const char* id) {
    return Lessee{.host_directory = host, .session = {.id = id, .state_directory = state}, .recovery_of = recovery_in};
  };
  const NumberedThings things{.step = "user-lease", .name = "user", .plural = "build users", .first = 5000, .count = 4};

  check("who has a lease is read as it was written, and what has no end is not there", [] {
    const Holding one{.id = kFirst, .state_directory = "/a\n b\\"};
    const std::string text = line_of(one) + line_of({.id = kSecond, .state_directory = "/c"});
    const auto both = holdings_in(text);
    return both.size() == 2 && both[0] == one && both[1].state_directory == "/c" &&
           holdings_in(std::string_view(text).substr(0, text.size() - 1)).size() == 1 && holdings_in("x\n").empty();
  });
  check("numbers go to one session each, and to no more than there are; the error says who has them", [&] {
    std::vector<NumberedLease> taken;
    std::set<std::uint32_t> numbers;
    for (int i = 0; i < 4; ++i) {
      Journal journal(journal_of(state, kFirst));
      auto lease = NumberedLease::take(things, lessee(kFirst));
      if (!lease) return false;
      numbers.insert(lease->number());
      taken.push_back(std::move(*lease));
    }
    const auto fifth = NumberedLease::take(things, lessee(kSecond));
    const bool is_told = !fifth && fifth.error().err == EBUSY && fifth.error().step == "user-lease" &&
                         fifth.error().detail.find("none of the 4 build users from 5000 is free") == 0 &&
                         fifth.error().detail.find(kFirst) != std::string::npos;
    const bool is_each = numbers == std::set<std::uint32_t>{5000, 5001, 5002, 5003};
    for (NumberedLease& lease : taken) {
      if (!lease.give_back() || !lease.give_back()) return false;
    }
    const auto names = names_in(host);
    return is_told && is_each && names && names->empty();
  });
  check("a number that is of no use is not given out, and the error says why", [&] {
    NumberedThings few = things;
    few.count = 2;
    few.objection = [](std::uint32_t number) { return Result<std::string>(number == 5001 ? "is somebody's" : ""); };
    auto first = NumberedLease::take(few, lessee(kFirst));
    const auto second = NumberedLease::take(few, lessee(kSecond));
    return first && first->number() == 5000 && !second &&
           second.error().detail.find("5001 is somebody's") != std::string::npos && first->give_back();
  });
  check("a dead session that had a number is recovered before the number is given out again", [&] {
    NumberedThings one = things;
    one.count = 1;
    leave_dead(state, kFirst);
    {
      const auto left = NumberedLease::take(one, lessee(kFirst));
      if (!left) return false;
    }
    auto again = NumberedLease::take(one, lessee(kSecond));
    return again && again->number() == 5000 && ::access(journal_of(state, kFirst).c_str(), F_OK) != 0 &&
           again->give_back();
  });
  check("a dead session's number that cannot be recovered is not given out", [&] {
    NumberedThings one = things;
    one.count = 1;
    leave_dead(state, kFirst, {{"unheard", "of", "it"}});
    {
      const auto left = NumberedLease::take(one, lessee(kFirst));
      if (!left) return false;
    }
    const auto again = NumberedLease::take(one, lessee(kSecond));
    const bool is_refused = !again && again.error().err == EBUSY;
    ::unlink(journal_of(state, kFirst).c_str());
    sweep_leases(host);
    const auto names = names_in(host);
    return is_refused && names && names->empty();
  });
  check("a number that is named is shared by those who name it, and by nobody who leases it", [&] {
    auto one = NumberedLease::share(things, 5002, lessee(kFirst));
    auto other = NumberedLease::share(things, 5002, lessee(kSecond));
    if (!one || !other) return false;
    NumberedThings only = things;
    only.first = 5002;
    only.count = 1;
    const auto refused = NumberedLease::take(only, lessee(kFirst));
    const bool is_kept = one->give_back() && !NumberedLease::take(only, lessee(kFirst)) && other->give_back();
    Journal journal(journal_of(state, kFirst));
    if (!journal.begin() || !journal.note(StateEntry(journal, kFirst, {}).facts())) return false;
    auto leased = NumberedLease::take(only, lessee(kFirst));
    const auto named = NumberedLease::share(things, 5002, lessee(kSecond));
    return !refused && is_kept && leased && !named && named.error().err == EBUSY && leased->give_back() &&
           journal.end();
  });
  check("a dead session's number stays leased for as long as its journal is there, and no longer", [&] {
    leave_dead(state, kFirst);
    std::string file;
    {
      const auto left = NumberedLease::take(things, lessee(kFirst));
      if (!left) return false;
      file = left->file();
    }
    sweep_leases(host);
    const bool was_kept = ::access(file.c_str(), F_OK) == 0;
    ::unlink(journal_of(state, kFirst).c_str());
    sweep_leases(host);
    return was_kept && ::access(file.c_str(), F_OK) != 0;
  });
  check("a folder that others can exchange is refused, and one in a sticky folder is not", [&] {
    const std::string open_to_all = folder + "/open";
    const std::string inside = open_to_all + "/inside";
    ::mkdir(open_to_all.c_str(), 0700);
    ::mkdir(inside.c_str(), 0700);
    if (!Surroundings().refuse_exposed(inside)) return false;
    if (!Surroundings().refuse_exposed(open_to_all + "/not there")) return false;
    ::chmod(open_to_all.c_str(), 01777);
    if (!Surroundings().refuse_exposed(inside)) return false;
    ::chmod(open_to_all.c_str(), 0777);
    // What was refused once is not taken for safe by the next path.
    Surroundings around;
    const bool is_refused = !around.refuse_exposed(open_to_all + "/not there");
    const auto changeable = around.refuse_exposed(inside);
    ::chmod(open_to_all.c_str(), 0700);
    const std::string link = folder + "/link";
    static_cast<void>(::symlink(open_to_all.c_str(), link.c_str()));
    const auto is_link = Surroundings().refuse_exposed(link);
    const auto behind_link = Surroundings().refuse_exposed(link + "/inside");
    ::unlink(link.c_str());
    ::rmdir(inside.c_str());
    ::rmdir(open_to_all.c_str());
    return is_refused && !changeable && changeable.error().err == EPERM && !is_link && !behind_link;
  });
  check("the place of leases is private, and the same each time", [] {
    Surroundings around;
    const auto found = host_directory(around);
    const auto again = host_directory(around);
    struct stat made{};
    return found && again && *found == *again && ::lstat(found->c_str(), &made) == 0 &&
           (made.st_mode & 07777) == 0700 && made.st_uid == ::geteuid();
  });
  ::rmdir(state.c_str());
  ::rmdir(host.c_str());
  check("the folder of leases is as empty as it was", [&] { return ::rmdir(folder.c_str()) == 0; });
}

void check_processes() {
  check("what a vforked child writes is there when it is gone", [] {
    Shared shared;
    const pid_t pid = vfork_child([](void* context) { static_cast<Shared*>(context)->seen = 42; }, &shared);
    int status = 0;
    return pid > 0 && ::waitpid(pid, &status, 0) == pid && shared.seen == 42 && WEXITSTATUS(status) == 127;
  });
  check("a back-off ends at its bound", [] {
    BackOff back_off(std::chrono::milliseconds(500));
    const auto began = std::chrono::steady_clock::now();
    int waits = 0;
    while (back_off.wait()) ++waits;
    return waits > 3 && std::chrono::steady_clock::now() - began < std::chrono::seconds(5);
  });
  check("threads do what they are given, as many at once as there may be and no more", [] {
    std::atomic<int> at_once = 0;
    std::atomic<int> most = 0;
    std::atomic<int> done = 0;
    WorkerThreads threads(3, 30);
    for (int i = 0; i < 30; ++i) {
      threads.run([&] {
        const int now = ++at_once;
        for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        --at_once;
        ++done;
      });
    }
    BackOff back_off(std::chrono::milliseconds(10000));
    while (done < 30 && back_off.wait()) {
    }
    return done == 30 && most == 3;
  });
  check("what takes long on one thread does not keep the next from its turn, up to a bound", [] {
    std::atomic<bool> is_held_up = true;
    std::atomic<int> begun = 0;
    WorkerThreads threads(1, 3);
    for (int i = 0; i < 4; ++i) {
      threads.run([&] {
        ++begun;
        while (is_held_up) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      });
    }
    BackOff back_off(std::chrono::milliseconds(10000));
    while (begun < 3 && back_off.wait()) {
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    const bool is_bounded = begun == 3;
    is_held_up = false;
    BackOff end(std::chrono::milliseconds(10000));
    while (begun < 4 && end.wait()) {
    }
    return is_bounded && begun == 4;
  });
  check("threads that are stopped end what they began, and begin nothing", [] {
    std::atomic<bool> is_begun = false;
    std::atomic<int> done = 0;
    WorkerThreads threads(1, 1);
    threads.run([&] {
      is_begun = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      ++done;
    });
    threads.run([&] { ++done; });
    while (!is_begun) std::this_thread::yield();
    threads.stop();
    threads.run([&] { ++done; });
    threads.stop();
    return done == 1;
  });
  check("what work throws for lack of something is an error of it", [] {
    const auto memory = caught("step", []() -> Status { throw std::bad_alloc(); });
    const auto threads = caught("step", []() -> Status {
      throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
    });
    return !memory && memory.error().err == ENOMEM && !threads && threads.error().err == EAGAIN &&
           threads.error().syscall == "pthread_create";
  });
}

void check_names() {
  check("an errno has this system's own name, and a number when it has none",
        [] { return errno_name(ENOENT) == "ENOENT" && errno_name(EBUSY) == "EBUSY" && errno_name(99999) == "E99999"; });
  check("holders are told one after the other, the first few by name and the rest by number", [] {
    std::vector<Holder> holders{{.kind = "cwd", .pid = 812, .command = "vi", .path = "/a"},
                                {.kind = "mount", .pid = 0, .command = {}, .path = "/a/b"},
                                {.kind = "open-file", .pid = 9, .command = "sh", .path = {}}};
    const bool is_told = held_by(holders) == "held by pid 812 (vi): cwd /a; mount /a/b; pid 9 (sh): open file";
    holders.resize(7, holders.back());
    return is_told && held_by(holders).ends_with("; and 2 more") && held_by({}).empty();
  });
  check("a signal has a name and the name its number", [] {
    return signal_name(SIGKILL) == "SIGKILL" && signal_number("SIGUSR1") == SIGUSR1 && signal_number("SIGNOPE") == 0;
  });
}

}  // namespace

int main() {
  check_wire();
  check_job();
  check_limits();
  check_descriptors();
  check_files();
  check_folders();
  check_walk();
  check_journal();
  check_recovery();
  check_leases();
  check_processes();
  check_names();
  return failed_checks == 0 ? 0 : 1;
}
