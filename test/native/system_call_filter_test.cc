// The filter on system calls as the kernel runs it, on every architecture that there is a table for, by an interpreter
// of our own. With `table` it prints the table instead, one call a line.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "linux/path_calls.h"
#include "linux/system_call_filter.h"

namespace {

using namespace buildjail;  // NOLINT(google-build-using-namespace): all of it is under test

/** struct seccomp_data (seccomp(2)). */
struct Call {
  std::uint32_t number;
  std::uint32_t architecture;
  std::uint64_t instruction_pointer;
  std::uint64_t arguments[6];
};

constexpr int kAllowed = 0;
/** Whatever the kernel would not take as a program. */
constexpr int kBroken = -1;

/** A listener is told of it. */
constexpr int kTold = -2;

/** kAllowed, kTold, or the errno of the answer; kBroken. */
int judge(const std::vector<FilterInstruction>& program, const Call& call) {
  std::uint32_t accumulator = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const auto& [code, if_true, if_false, value] = program[at];
    switch (code) {
      case 0x20:
        if (value % 4 != 0 || value > sizeof(call) - 4) return kBroken;
        std::memcpy(&accumulator, reinterpret_cast<const char*>(&call) + value, sizeof(accumulator));
        break;
      case 0x54:
        accumulator &= value;
        break;
      case 0x05:
        at += value;
        break;
      case 0x15:
        at += accumulator == value ? if_true : if_false;
        break;
      case 0x35:
        at += accumulator >= value ? if_true : if_false;
        break;
      case 0x06:
        if (value == 0x7fff0000) return kAllowed;
        if (value == 0x7fc00000) return kTold;
        return (value & 0xffff0000) == 0x00050000 && (value & 0xffff) != 0 ? static_cast<int>(value & 0xffff) : kBroken;
      default:
        return kBroken;
    }
  }
  return kBroken;
}

struct Known {
  Architecture architecture;
  std::uint32_t name;
};
constexpr Known kArchitectures[] = {
    {Architecture::kX8664, 0xc000003e}, {Architecture::kArm64, 0xc00000b7}, {Architecture::kRiscv64, 0xc00000f3}};

int number_of(const RefusedCall& call, Architecture architecture) {
  return architecture == Architecture::kX8664 ? call.x86_64 : call.generic;
}

const RefusedCall* find(std::string_view name) {
  for (const RefusedCall& call : refused_calls())
    if (call.name == name) return &call;
  return nullptr;
}

using Arguments = std::vector<std::uint64_t>;

/** What every architecture's filter says to that call; nothing where they differ or have none of it. */
std::optional<int> answer_to(std::string_view name, const Arguments& arguments, Allowances allowed = {},
                             Listened listened = {}) {
  const RefusedCall* const known = find(name);
  std::optional<int> answer;
  if (known == nullptr) return std::nullopt;
  for (const auto& [architecture, is] : kArchitectures) {
    const int number = number_of(*known, architecture);
    if (number == kNoSuchCall) continue;
    Call call{static_cast<std::uint32_t>(number), is, 0, {}};
    for (std::size_t i = 0; i < arguments.size(); ++i) call.arguments[i] = arguments[i];
    const int given = judge(SystemCallFilter(allowed, architecture, listened).program(), call);
    if (answer && *answer != given) return std::nullopt;
    answer = given;
  }
  return answer;
}

/** Each of the architectures, with its filter that allows nothing. */
void on_each(const std::function<void(const Known&, const std::function<int(Call)>&)>& look) {
  for (const Known& known : kArchitectures) {
    const SystemCallFilter filter({}, known.architecture);
    look(known, [&filter](const Call& call) { return judge(filter.program(), call); });
  }
}

constexpr std::uint64_t kUpper = std::uint64_t{1} << 32;
constexpr Allowances kEverything{0x3ff};

void print_table() {
  for (const RefusedCall& call : refused_calls()) std::printf("%s %d %d\n", call.name, call.x86_64, call.generic);
  std::printf("newest %d\n", kNewestCall);
}

TEST_CASE("what is refused whatever its arguments are has the answer of its line, and nothing else has one") {
  on_each([](const Known& known, const auto& judged) {
    for (std::uint32_t number = 0; number <= kNewestCall; ++number) {
      std::optional<int> expected = kAllowed;
      for (const RefusedCall& call : refused_calls()) {
        if (number_of(call, known.architecture) != static_cast<int>(number)) continue;
        // With all arguments 0: of those that depend on arguments, only the family of a socket is one of them.
        expected = call.is_conditional() ? kAllowed : call.err;
        if (std::string_view(call.name).starts_with("socket")) expected = EAFNOSUPPORT;
      }
      REQUIRE(judged({number, known.name, 0, {}}) == *expected);
    }
  });
}

TEST_CASE("calls of another architecture are not there") {
  on_each([](const Known& known, const auto& judged) {
    // i386, arm, and each of the others.
    for (const std::uint32_t other : {0x40000003U, 0x40000028U, 0xc000003eU, 0xc00000b7U, 0xc00000f3U}) {
      for (const std::uint32_t number : {0U, 1U, 20U, 63U, 400U}) {
        if (other != known.name) REQUIRE(judged({number, other, 0, {}}) == ENOSYS);
      }
    }
  });
}

TEST_CASE("nor are those of x32, with its bit and in the numbers that are its own without it") {
  on_each([](const Known& known, const auto& judged) {
    for (const std::uint32_t number : {0x40000000U, 0x40000000U + 39, 0x40000000U + 520, 512U, 520U, 547U})
      REQUIRE(judged({number, known.name, 0, {}}) == ENOSYS);
  });
}

TEST_CASE("nor are those that are newer than the table; a call that a tracer has skipped is none") {
  on_each([](const Known& known, const auto& judged) {
    CHECK(judged({kNewestCall, known.name, 0, {}}) == EOPNOTSUPP);
    CHECK(judged({kNewestCall + 1, known.name, 0, {}}) == ENOSYS);
    CHECK(judged({0x80000000, known.name, 0, {}}) == ENOSYS);
    CHECK(judged({~0U, known.name, 0, {}}) == kAllowed);
  });
}

TEST_CASE("processes and threads are made, with namespaces of their own none") {
  constexpr std::uint64_t kThread = 0x3d0f00, kFork = 0x1200011;
  REQUIRE(answer_to("clone", {kThread}) == kAllowed);
  REQUIRE(answer_to("clone", {kFork}) == kAllowed);
  REQUIRE(answer_to("clone", {0x4111}) == kAllowed);
  for (const std::uint64_t kind : {0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000}) {
    REQUIRE(answer_to("clone", {kind | 17}) == EPERM);
    REQUIRE(answer_to("clone", {kind | 17 | kUpper}) == EPERM);
  }
  CHECK(answer_to("clone3", {}) == ENOSYS);
  CHECK(answer_to("unshare", {0x10000000}) == EPERM);
  CHECK(answer_to("setns", {3}) == EPERM);
}

TEST_CASE("sockets are those of Unix, of the internet, and of netlink for routes") {
  for (const std::uint64_t family : {1, 2, 10}) {
    REQUIRE(answer_to("socket", {family, 0x80801, 0}) == kAllowed);
    REQUIRE(answer_to("socket", {family, 0x80002, 17}) == kAllowed);
    REQUIRE(answer_to("socket", {family, 1, 6}) == kAllowed);
    REQUIRE(answer_to("socket", {family, 2, 0}) == kAllowed);
  }
  REQUIRE(answer_to("socket", {16, 3, 0}) == kAllowed);
  REQUIRE(answer_to("socketpair", {1, 1, 0}) == kAllowed);
  // AF_PACKET, AF_ALG, AF_VSOCK, AF_KEY, none, one too many; netlink for another; packets by their old name.
  for (const std::uint64_t family : {17, 38, 40, 15, 0, 255})
    REQUIRE(answer_to("socket", {family, 1, 0}) == EAFNOSUPPORT);
  CHECK(answer_to("socket", {16, 3, 9}) == EAFNOSUPPORT);
  CHECK(answer_to("socket", {2, 10, 3}) == ESOCKTNOSUPPORT);
  CHECK(answer_to("socket", {2, 0x8000a, 3}) == ESOCKTNOSUPPORT);
  CHECK(answer_to("socket", {40 | kUpper, 1}) == EAFNOSUPPORT);
  CHECK(answer_to("socketpair", {2, 1, 0}) == EAFNOSUPPORT);
}

TEST_CASE("no socket and no request has the host load code for it") {
  constexpr std::uint64_t kHighestType = 15, kHighestProtocol = 262;
  constexpr std::uint64_t kStream = 1, kDatagram = 2, kRaw = 3, kCloseOnExec = 0x80000;
  const RefusedCall* const socket = find("socket");
  REQUIRE(socket != nullptr);
  on_each([&](const Known& known, const auto& judged) {
    const auto number = static_cast<std::uint32_t>(number_of(*socket, known.architecture));
    for (const auto& [family, ping] : {std::pair<std::uint64_t, std::uint64_t>{2, 1}, {10, 58}}) {
      // Of these the kernel has all code, and of raw ones it only says whether the caller may have any.
      const std::set<std::pair<std::uint64_t, std::uint64_t>> there{
          {kStream, 0}, {kStream, 6}, {kDatagram, 0}, {kDatagram, 17}, {kDatagram, 136}, {kDatagram, ping}};
      for (std::uint64_t type = 0; type <= kHighestType; ++type) {
        for (std::uint64_t protocol = 0; protocol <= kHighestProtocol; ++protocol) {
          const bool passes = there.contains({type, protocol}) || (type == kRaw && protocol != 0);
          const int refusal = type < kStream || type > kRaw ? ESOCKTNOSUPPORT : EPROTONOSUPPORT;
          const Call made{number, known.name, 0, {family, type | kCloseOnExec, protocol | kUpper}};
          REQUIRE(judged(made) == (passes ? kAllowed : refusal));
        }
      }
    }
  });
  for (const std::uint64_t request : {0x8940U, 0x8941U, 0x89a0U, 0x89a1U, 0x8982U, 0x8983U})
    REQUIRE(answer_to("ioctl", {0, request}) == ENOPKG);
  // SIOCGIFCONF, SIOCGIFFLAGS, SIOCGIFINDEX, SIOCGIFMAP, SIOCBRADDIF
  for (const std::uint64_t request : {0x8912U, 0x8913U, 0x8933U, 0x8970U, 0x89a2U})
    REQUIRE(answer_to("ioctl", {0, request}) == kAllowed);
}

TEST_CASE("limits are those of init for nobody, and one's own and one's children's") {
  REQUIRE(answer_to("prlimit64", {1, 0}) == EPERM);
  REQUIRE(answer_to("prlimit64", {1 | kUpper, 0}) == EPERM);
  for (const std::uint64_t pid : {0, 2, 11}) REQUIRE(answer_to("prlimit64", {pid, 0}) == kAllowed);
}

TEST_CASE("no file gets a set-id bit, by its making or later") {
  struct Making {
    const char* name;
    std::size_t flags, mode;
  };
  for (const auto& [name, flags, mode] : {Making{"open", 1, 2}, Making{"openat", 2, 3}}) {
    const auto with = [&](std::uint64_t how, std::uint64_t bits) {
      Arguments arguments(4);
      arguments[flags] = how;
      arguments[mode] = bits;
      return answer_to(name, arguments);
    };
    for (const std::uint64_t bits : {04755, 02755, 06000}) {
      // O_CREAT, and __O_TMPFILE; without them the mode is whatever was in the register.
      REQUIRE(with(0101, bits) == EPERM);
      REQUIRE(with(020000001, bits) == EPERM);
      REQUIRE(with(1, bits) == kAllowed);
    }
    REQUIRE(with(0101, 01777) == kAllowed);
  }
  struct Change {
    const char* name;
    std::size_t mode;
  };
  for (const auto& [name, mode] : {Change{"creat", 1}, Change{"mknod", 1}, Change{"mknodat", 2}, Change{"chmod", 1},
                                   Change{"fchmod", 1}, Change{"fchmodat", 2}, Change{"fchmodat2", 2}}) {
    for (const std::uint64_t bits : {04755, 02755, 0100000 | 06000}) {
      Arguments arguments(mode + 1);
      arguments[mode] = bits;
      REQUIRE(answer_to(name, arguments) == EPERM);
      arguments[mode] = bits & ~std::uint64_t{06000};
      REQUIRE(answer_to(name, arguments) == kAllowed);
    }
  }
  CHECK(answer_to("openat2", {}) == ENOSYS);
}

TEST_CASE("with a trace a listener is told of calls with paths, and what is refused stays refused") {
  for (const auto& [architecture, is] : kArchitectures) {
    const SystemCallFilter traced({}, architecture, {.paths = true});
    const SystemCallFilter alone({}, architecture);
    std::set<int> told;
    for (const PathCall& call : path_calls()) told.insert(call.number(architecture));
    for (const std::uint64_t bits : {0UL, ~0UL, 02755UL}) {
      for (std::uint32_t number = 0; number <= kNewestCall + 1; ++number) {
        const Call call{number, is, 0, {bits, bits, bits, bits, bits, bits}};
        const int without = judge(alone.program(), call);
        const bool is_told = without == kAllowed && told.contains(static_cast<int>(number));
        REQUIRE(judge(traced.program(), call) == (is_told ? kTold : without));
      }
    }
  }
}

TEST_CASE("a listener is told of the set-group-ID bit alone, where the file may be a folder, and of nothing else") {
  struct Change {
    const char* name;
    std::size_t mode;
  };
  const auto with = [](const Change& change, std::uint64_t bits, Allowances allowed = {}) {
    Arguments arguments(change.mode + 1);
    arguments[change.mode] = bits;
    return answer_to(change.name, arguments, allowed, {.modes = true});
  };
  for (const Change& change :
       {Change{"chmod", 1}, Change{"fchmod", 1}, Change{"fchmodat", 2}, Change{"fchmodat2", 2}}) {
    for (const std::uint64_t bits : {02000UL, 02755UL, 0100000UL | 03777UL, kUpper | 02700UL})
      REQUIRE(with(change, bits) == kTold);
    for (const std::uint64_t bits : {04755UL, 06000UL, kUpper | 06755UL}) REQUIRE(with(change, bits) == EPERM);
    REQUIRE(with(change, 01777) == kAllowed);
    REQUIRE(with(change, 02755, kEverything) == kAllowed);
  }
  for (const Change& change : {Change{"creat", 1}, Change{"mknod", 1}, Change{"mknodat", 2}})
    REQUIRE(with(change, 02755) == EPERM);
  for (const auto& [architecture, is] : kArchitectures) {
    const SystemCallFilter listened({}, architecture, {.modes = true});
    const SystemCallFilter alone({}, architecture);
    CHECK(listened.tells());
    CHECK_FALSE(alone.tells());
    CHECK_FALSE(SystemCallFilter(kEverything, architecture, {.modes = true}).tells());
    for (std::uint32_t number = 0; number <= kNewestCall + 1; ++number) {
      const Call call{number, is, 0, {}};
      REQUIRE(judge(listened.program(), call) == judge(alone.program(), call));
    }
  }
}

TEST_CASE("nothing is typed into a terminal, whatever is above the 32 bits that the kernel looks at") {
  for (const std::uint64_t request : {0x5412, 0x541c}) {
    REQUIRE(answer_to("ioctl", {0, request}) == EPERM);
    REQUIRE(answer_to("ioctl", {0, request | kUpper}) == EPERM);
  }
  // TCGETS, TIOCGWINSZ, FIONREAD, FS_IOC_GETFLAGS, FICLONE
  for (const std::uint64_t request : {0x5401U, 0x5413U, 0x541bU, 0x80086601U, 0x40049409U})
    REQUIRE(answer_to("ioctl", {0, request}) == kAllowed);
}

TEST_CASE("a file gets no flags, no encryption, no verity and no attribute") {
  for (const std::uint64_t request :
       {0x40086602U, 0x401c5820U, 0x800c6613U, 0xc0506617U, 0x40806685U, 0x4008941aU, 0x50009417U})
    REQUIRE(answer_to("ioctl", {0, request}) == ENOTTY);
  CHECK(answer_to("setxattr", {}) == EOPNOTSUPP);
  CHECK(answer_to("file_setattr", {}) == EOPNOTSUPP);
}

TEST_CASE("a personality is asked for, and is one of those that change what a program is told") {
  CHECK(answer_to("personality", {0xffffffff}) == kAllowed);
  CHECK(answer_to("personality", {0}) == kAllowed);
  CHECK(answer_to("personality", {8}) == kAllowed);
  CHECK(answer_to("personality", {0x20008}) == kAllowed);
  CHECK(answer_to("personality", {0x40000}) == kAllowed);
  CHECK(answer_to("personality", {0x400000}) == EPERM);
  CHECK(answer_to("personality", {0x100000}) == EPERM);
  CHECK(answer_to("personality", {0x40000 | 6}) == EPERM);
  CHECK(answer_to("personality", {0x100000 | kUpper}) == EPERM);
}

TEST_CASE("what a spec allows is let through, and nothing else of the table") {
  for (const auto& [architecture, is] : kArchitectures) {
    for (std::uint32_t bit = 1; Allowances(bit).is_known(); bit *= 2) {
      const SystemCallFilter filter(Allowances(bit), architecture);
      for (const RefusedCall& call : refused_calls()) {
        const int number = number_of(call, architecture);
        if (number == kNoSuchCall || call.is_conditional()) continue;
        const bool is_lifted = call.is_lifted(Allowances(bit));
        const Call made{static_cast<std::uint32_t>(number), is, 0, {}};
        REQUIRE(judge(filter.program(), made) == (is_lifted ? kAllowed : call.err));
      }
    }
  }
}

TEST_CASE("nothing lifts what is done to terminals, handles, clocks, personalities and the kernel") {
  CHECK(answer_to("ioctl", {0, 0x5412}, kEverything) == EPERM);
  CHECK(answer_to("ioctl", {0, 0x40086602}, kEverything) == kAllowed);
  CHECK(answer_to("open_by_handle_at", {}, kEverything) == EPERM);
  CHECK(answer_to("clock_settime", {}, kEverything) == EPERM);
  CHECK(answer_to("personality", {0x400000}, kEverything) == EPERM);
  CHECK(answer_to("init_module", {}, kEverything) == EPERM);
  CHECK(answer_to("socket", {40}, kEverything) == kAllowed);
  CHECK(answer_to("clone", {0x10000000}, kEverything) == kAllowed);
}

TEST_CASE("a name that nobody knows is not allowed") {
  CHECK(kEverything.is_known());
  CHECK_FALSE(Allowances(0x400).is_known());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "table") {
    print_table();
    return 0;
  }
  return doctest::Context(argc, argv).run();
}
