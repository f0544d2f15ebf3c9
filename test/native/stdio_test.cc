// What a command has as its standard descriptors, and how bytes move there.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "launch/launch_request.h"
#include "launch/mover.h"
#include "launch/stdio_ends.h"
#include "left_session.h"

namespace {

using namespace buildjail;  // NOLINT(google-build-using-namespace): all of it is under test

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

std::array<StdioRequest, 3> collected(StdioKind input) {
  std::array<StdioRequest, 3> stdio;
  stdio[0].kind = input;
  stdio[1].kind = stdio[2].kind = StdioKind::kCapture;
  return stdio;
}

TEST_CASE("a captured stream keeps what its bound allows and says that there was more") {
  std::array<int, 2> pipe{};
  REQUIRE(::pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK) == 0);
  const UniqueFd writer(pipe[1]);
  CapturedStream stream{.fd = UniqueFd(pipe[0]), .bytes = CapturedBytes(4)};
  REQUIRE(::write(writer.get(), "abcdef", 6) == 6);
  stream.read_some();
  const auto bytes = stream.bytes->bytes();
  CHECK(bytes.size() == 4);
  CHECK(std::memcmp(bytes.data(), "abcd", 4) == 0);
  CHECK(stream.is_over_bound);
}

TEST_CASE("what was captured stays where it lies as more of it comes, and for who takes it") {
  constexpr std::size_t kSome = 50'000;
  CapturedBytes captured(10 * kSome + 1);
  const std::vector<std::byte> some(kSome, std::byte{'x'});
  REQUIRE(captured.add(some) == kSome);
  REQUIRE_FALSE(captured.take_pages());
  REQUIRE(captured.add(some) == kSome);
  const std::byte* const begin = captured.bytes().data();
  for (int i = 2; i < 10; ++i) REQUIRE(captured.add(some) == kSome);
  REQUIRE(captured.add(some) == 1);
  REQUIRE(captured.add(some) == 0);
  const auto bytes = captured.bytes();
  const Pages pages = captured.take_pages();
  CHECK(pages.begin() == begin);
  CHECK(bytes.size() == 10 * kSome + 1);
  CHECK(std::ranges::all_of(bytes, [](std::byte one) { return one == std::byte{'x'}; }));
}

TEST_CASE("draining ends although somebody still holds the other end") {
  std::array<int, 2> pipe{};
  REQUIRE(::pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK) == 0);
  const UniqueFd writer(pipe[1]);
  CapturedStream stream{.fd = UniqueFd(pipe[0]), .bytes = CapturedBytes(100)};
  REQUIRE(::write(writer.get(), "left", 4) == 4);
  stream.drain();
  CHECK(stream.bytes->bytes().size() == 4);
}

TEST_CASE("descriptors made beforehand are one command's, and of no other kind than was asked for") {
  const std::array<StdioRequest, 3> ignored{};
  auto made = ReadyEnds::make();
  REQUIRE(made);
  const int out = made->child[1].get();
  ReadyEnds ready;
  ready.keep(std::move(*made));
  REQUIRE_FALSE(ready.take(ignored).child[1]);
  REQUIRE_FALSE(ready.take(collected(StdioKind::kFile)).child[1]);
  const StdioEnds taken = ready.take(collected(StdioKind::kIgnore));
  REQUIRE(taken.child[1].get() == out);
  REQUIRE_FALSE(taken.child[0]);
  REQUIRE(taken.ours[1]);
  REQUIRE(taken.ours[2]);
  CHECK_FALSE(ready.take(collected(StdioKind::kIgnore)).child[1]);
}

TEST_CASE("descriptors made beforehand are closed with what they were for") {
  auto made = ReadyEnds::make();
  REQUIRE(made);
  const int out = made->child[1].get();
  ReadyEnds ready;
  ready.keep(std::move(*made));
  REQUIRE(is_open(out));
  ready.drop();
  CHECK_FALSE(is_open(out));
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

/** A file of the host for output. */
struct File {
  ~File() {
    ::unlink(file.c_str());
    ::rmdir(folder.c_str());
  }
  const std::string folder = make_folder();
  const std::string file = folder + "/file";
  const FlowListener nobody{.failed = [] {}, .changed = [] {}};
};

TEST_CASE_FIXTURE(File, "the session's own /dev/null is nothing of the host's") {
  StdioEnds ends;
  std::array<StdioRequest, 3> stdio{};
  stdio[1] = file_request("/dev/null");
  CHECK(ends.make_pipes(stdio));
  CHECK(ends.open_files(stdio));
  CHECK(ends.numbers() == std::array<int, 3>{-1, -1, -1});
}

TEST_CASE_FIXTURE(File, "a command is given no file, and one pipe for two outputs to the same") {
  StdioEnds ends;
  std::array<StdioRequest, 3> stdio{};
  stdio[1] = stdio[2] = file_request(file);
  REQUIRE(ends.make_pipes(stdio));
  REQUIRE(ends.open_files(stdio));
  struct stat found{};
  const auto numbers = ends.numbers();
  CHECK(ends.files.size() == 1);
  CHECK(numbers[1] == numbers[2]);
  CHECK(::fstat(numbers[1], &found) == 0);
  CHECK(S_ISFIFO(found.st_mode));
}

TEST_CASE_FIXTURE(
    File, "a file is settled once what the command wrote is in the file, and goes on for a daemon until it is ended") {
  StdioEnds ends;
  std::array<StdioRequest, 3> stdio{};
  stdio[1] = file_request(file);
  REQUIRE(ends.make_pipes(stdio));
  REQUIRE(ends.open_files(stdio));
  auto flows = start_files(ends, nobody);
  REQUIRE(flows);
  REQUIRE(::write(ends.child[1].get(), "one", 3) == 3);
  (*flows)->command_ended();
  struct stat found{};
  REQUIRE(settled(**flows));
  REQUIRE(::stat(file.c_str(), &found) == 0);
  REQUIRE(found.st_size == 3);
  REQUIRE_FALSE((*flows)->is_over());
  REQUIRE(::write(ends.child[1].get(), "more", 4) == 4);
  (*flows)->end_when_settled();
  for (int i = 0; i < 2000 && !(*flows)->is_over(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  CHECK((*flows)->is_over());
  CHECK(::stat(file.c_str(), &found) == 0);
  CHECK(found.st_size == 7);
}

TEST_CASE_FIXTURE(File,
                  "what goes to a file is counted; once it is too much that is told, once, and the file gets no more") {
  StdioEnds ends;
  std::array<StdioRequest, 3> stdio{};
  stdio[1] = file_request(file);
  std::atomic<int> told = 0;
  ends.budget = std::make_shared<StdioBudget>(5, [&told] { told += 1; });
  REQUIRE(ends.make_pipes(stdio));
  REQUIRE(ends.open_files(stdio));
  auto flows = start_files(ends, nobody);
  const auto wait = [](const auto& is_so) {
    for (int i = 0; i < 2000 && !is_so(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  struct stat before{};
  REQUIRE(flows);
  REQUIRE(::stat(file.c_str(), &before) == 0);
  const auto is_there = [&](off_t more) {
    struct stat found{};
    wait([&] { return ::stat(file.c_str(), &found) == 0 && found.st_size == before.st_size + more; });
    return found.st_size == before.st_size + more;
  };
  REQUIRE(::write(ends.child[1].get(), "five.", 5) == 5);
  REQUIRE(is_there(5));
  REQUIRE(told == 0);
  REQUIRE(::write(ends.child[1].get(), "6", 1) == 1);
  wait([&] { return told == 1; });
  REQUIRE(told == 1);
  REQUIRE(::write(ends.child[1].get(), "more", 4) == 4);
  (*flows)->command_ended();
  CHECK(settled(**flows).has_value());
  CHECK(is_there(5));
  CHECK(told == 1);
}

TEST_CASE_FIXTURE(File, "a file that cannot be written to is told, and its writer is not held up") {
  StdioEnds ends;
  std::array<StdioRequest, 3> stdio{};
  stdio[1] = file_request("/dev/full");
  REQUIRE(ends.make_pipes(stdio));
  REQUIRE(ends.open_files(stdio));
  std::atomic<int> told = 0;
  auto flows = start_files(ends, {.failed = [&told] { told += 1; }, .changed = [] {}});
  REQUIRE(flows);
  REQUIRE(::write(ends.child[1].get(), "one", 3) == 3);
  for (int i = 0; i < 2000 && told < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  (*flows)->command_ended();
  const auto end = settled(**flows);
  CHECK(told >= 2);
  REQUIRE(end);
  REQUIRE(end->output_failure);
  CHECK(end->output_failure->err == ENOSPC);
  CHECK_FALSE(end->input_failure);
}

}  // namespace
