// What everything else stands on.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>
#include <vector>

#include "base/back_off.h"
#include "base/result.h"
#include "base/signals.h"
#include "base/unique_fd.h"
#include "launch/vfork_child.h"

namespace {

using namespace buildjail;  // NOLINT(google-build-using-namespace): all of it is under test

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

TEST_CASE("a descriptor is closed once, by its last owner") {
  UniqueFd first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int number = first.get();
  UniqueFd second(std::move(first));
  REQUIRE(is_open(number));
  second.reset();
  CHECK_FALSE(is_open(number));
}

struct Shared {
  int seen = 0;
};

TEST_CASE("what a vforked child writes is there when it is gone") {
  Shared shared;
  const pid_t pid = vfork_child([](void* context) { static_cast<Shared*>(context)->seen = 42; }, &shared);
  int status = 0;
  REQUIRE(pid > 0);
  CHECK(::waitpid(pid, &status, 0) == pid);
  CHECK(shared.seen == 42);
  CHECK(WEXITSTATUS(status) == 127);
}

TEST_CASE("a back-off ends at its bound") {
  BackOff back_off(std::chrono::milliseconds(500));
  const auto began = std::chrono::steady_clock::now();
  int waits = 0;
  while (back_off.wait()) ++waits;
  CHECK(waits > 3);
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(5));
}

TEST_CASE("an errno has this system's own name, and a number when it has none") {
  CHECK(errno_name(ENOENT) == "ENOENT");
  CHECK(errno_name(EBUSY) == "EBUSY");
  CHECK(errno_name(99999) == "E99999");
}

TEST_CASE("holders are told one after the other, the first few by name and the rest by number") {
  std::vector<Holder> holders{{.kind = "cwd", .pid = 812, .command = "vi", .path = "/a"},
                              {.kind = "mount", .pid = 0, .command = {}, .path = "/a/b"},
                              {.kind = "open-file", .pid = 9, .command = "sh", .path = {}}};
  CHECK(held_by(holders) == "held by pid 812 (vi): cwd /a; mount /a/b; pid 9 (sh): open file");
  holders.resize(7, holders.back());
  CHECK(held_by(holders).ends_with("; and 2 more"));
  CHECK(held_by({}).empty());
}

TEST_CASE("a signal has a name and the name its number") {
  CHECK(signal_name(SIGKILL) == "SIGKILL");
  CHECK(signal_number("SIGUSR1") == SIGUSR1);
  CHECK(signal_number("SIGNOPE") == 0);
}

}  // namespace
