// The filter on system calls as the kernel runs it, on every architecture that there is a table for, by an interpreter
// of our own. `table` prints the table instead, one call a line.
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "check.h"
#include "linux/refused_calls.h"
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

/** kAllowed, or the errno of the answer; kBroken. */
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
std::optional<int> answer_to(std::string_view name, const Arguments& arguments, Allowances allowed = {}) {
  const RefusedCall* const known = find(name);
  std::optional<int> answer;
  if (known == nullptr) return std::nullopt;
  for (const auto& [architecture, is] : kArchitectures) {
    const int number = number_of(*known, architecture);
    if (number == kNoSuchCall) continue;
    Call call{static_cast<std::uint32_t>(number), is, 0, {}};
    for (std::size_t i = 0; i < arguments.size(); ++i) call.arguments[i] = arguments[i];
    const int given = judge(SystemCallFilter(allowed, architecture).program(), call);
    if (answer && *answer != given) return std::nullopt;
    answer = given;
  }
  return answer;
}

bool refuses(std::string_view name, const Arguments& arguments, int err) { return answer_to(name, arguments) == err; }
bool lets(std::string_view name, const Arguments& arguments) { return answer_to(name, arguments) == kAllowed; }

/** Holds for each of the architectures, with its filter that allows nothing. */
bool on_each(const std::function<bool(const Known&, const std::function<int(Call)>&)>& holds) {
  for (const Known& known : kArchitectures) {
    const SystemCallFilter filter({}, known.architecture);
    if (!holds(known, [&filter](const Call& call) { return judge(filter.program(), call); })) return false;
  }
  return true;
}

constexpr std::uint64_t kUpper = std::uint64_t{1} << 32;
constexpr Allowances kEverything{0x3ff};

void print_table() {
  for (const RefusedCall& call : refused_calls()) std::printf("%s %d %d\n", call.name, call.x86_64, call.generic);
  std::printf("newest %d\n", kNewestCall);
}

void check_calls() {
  check("what is refused whatever its arguments are has the answer of its line, and nothing else has one", [] {
    return on_each([](const Known& known, const auto& judged) {
      for (std::uint32_t number = 0; number <= kNewestCall; ++number) {
        std::optional<int> expected = kAllowed;
        for (const RefusedCall& call : refused_calls()) {
          if (number_of(call, known.architecture) != static_cast<int>(number)) continue;
          // With all arguments 0: of those that depend on arguments, only the family of a socket is one of them.
          expected = call.is_conditional() ? kAllowed : call.err;
          if (std::string_view(call.name).starts_with("socket")) expected = EAFNOSUPPORT;
        }
        if (judged({number, known.name, 0, {}}) != *expected) return false;
      }
      return true;
    });
  });
  check("calls of another architecture are not there", [] {
    return on_each([](const Known& known, const auto& judged) {
      // i386, arm, and each of the others.
      for (const std::uint32_t other : {0x40000003U, 0x40000028U, 0xc000003eU, 0xc00000b7U, 0xc00000f3U}) {
        for (const std::uint32_t number : {0U, 1U, 20U, 63U, 400U}) {
          if (other != known.name && judged({number, other, 0, {}}) != ENOSYS) return false;
        }
      }
      return true;
    });
  });
  check("nor are those of x32, with its bit and in the numbers that are its own without it", [] {
    return on_each([](const Known& known, const auto& judged) {
      for (const std::uint32_t number : {0x40000000U, 0x40000000U + 39, 0x40000000U + 520, 512U, 520U, 547U})
        if (judged({number, known.name, 0, {}}) != ENOSYS) return false;
      return true;
    });
  });
  check("nor are those that are newer than the table; a call that a tracer has skipped is none", [] {
    return on_each([](const Known& known, const auto& judged) {
      return judged({kNewestCall, known.name, 0, {}}) == EOPNOTSUPP &&
             judged({kNewestCall + 1, known.name, 0, {}}) == ENOSYS &&
             judged({0x80000000, known.name, 0, {}}) == ENOSYS && judged({~0U, known.name, 0, {}}) == kAllowed;
    });
  });
}

void check_arguments() {
  check("processes and threads are made, with namespaces of their own none", [] {
    constexpr std::uint64_t kThread = 0x3d0f00, kFork = 0x1200011;
    if (!lets("clone", {kThread}) || !lets("clone", {kFork}) || !lets("clone", {0x4111})) return false;
    for (const std::uint64_t kind : {0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000}) {
      if (!refuses("clone", {kind | 17}, EPERM) || !refuses("clone", {kind | 17 | kUpper}, EPERM)) return false;
    }
    return refuses("clone3", {}, ENOSYS) && refuses("unshare", {0x10000000}, EPERM) && refuses("setns", {3}, EPERM);
  });
  check("sockets are those of Unix, of the internet, and of netlink for routes", [] {
    for (const std::uint64_t family : {1, 2, 10}) {
      if (!lets("socket", {family, 0x80801, 0}) || !lets("socket", {family, 2, 17})) return false;
    }
    if (!lets("socket", {16, 3, 0}) || !lets("socketpair", {1, 1, 0})) return false;
    // AF_PACKET, AF_ALG, AF_VSOCK, AF_KEY, none, one too many; netlink for another; packets by their old name.
    for (const std::uint64_t family : {17, 38, 40, 15, 0, 255})
      if (!refuses("socket", {family, 1, 0}, EAFNOSUPPORT)) return false;
    return refuses("socket", {16, 3, 9}, EAFNOSUPPORT) && refuses("socket", {2, 10, 3}, EAFNOSUPPORT) &&
           refuses("socket", {2, 0x8000a, 3}, EAFNOSUPPORT) && refuses("socket", {40 | kUpper, 1}, EAFNOSUPPORT) &&
           refuses("socketpair", {2, 1, 0}, EAFNOSUPPORT);
  });
  check("no file gets a set-id bit, by its making or later", [] {
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
        if (with(0101, bits) != EPERM || with(020000001, bits) != EPERM || with(1, bits) != kAllowed) return false;
      }
      if (with(0101, 01777) != kAllowed) return false;
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
        if (!refuses(name, arguments, EPERM)) return false;
        arguments[mode] = bits & ~std::uint64_t{06000};
        if (!lets(name, arguments)) return false;
      }
    }
    return refuses("openat2", {}, ENOSYS);
  });
  check("nothing is typed into a terminal, whatever is above the 32 bits that the kernel looks at", [] {
    for (const std::uint64_t request : {0x5412, 0x541c}) {
      if (!refuses("ioctl", {0, request}, EPERM) || !refuses("ioctl", {0, request | kUpper}, EPERM)) return false;
    }
    // TCGETS, TIOCGWINSZ, FIONREAD, FS_IOC_GETFLAGS, FICLONE
    for (const std::uint64_t request : {0x5401U, 0x5413U, 0x541bU, 0x80086601U, 0x40049409U})
      if (!lets("ioctl", {0, request})) return false;
    return true;
  });
  check("a file gets no flags, no encryption, no verity and no attribute", [] {
    for (const std::uint64_t request :
         {0x40086602U, 0x401c5820U, 0x800c6613U, 0xc0506617U, 0x40806685U, 0x4008941aU, 0x50009417U})
      if (!refuses("ioctl", {0, request}, ENOTTY)) return false;
    return refuses("setxattr", {}, EOPNOTSUPP) && refuses("file_setattr", {}, EOPNOTSUPP);
  });
  check("a personality is asked for, and is one of those that change what a program is told", [] {
    return lets("personality", {0xffffffff}) && lets("personality", {0}) && lets("personality", {8}) &&
           lets("personality", {0x20008}) && lets("personality", {0x40000}) &&
           refuses("personality", {0x400000}, EPERM) && refuses("personality", {0x100000}, EPERM) &&
           refuses("personality", {0x40000 | 6}, EPERM) && refuses("personality", {0x100000 | kUpper}, EPERM);
  });
}

void check_allowances() {
  check("what a spec allows is let through, and nothing else of the table", [] {
    for (const auto& [architecture, is] : kArchitectures) {
      for (std::uint32_t bit = 1; Allowances(bit).is_known(); bit *= 2) {
        const SystemCallFilter filter(Allowances(bit), architecture);
        for (const RefusedCall& call : refused_calls()) {
          const int number = number_of(call, architecture);
          if (number == kNoSuchCall || call.is_conditional()) continue;
          const auto lifted = lifted_by(call.reason);
          const bool is_lifted = lifted && Allowances(bit).has(*lifted);
          const Call made{static_cast<std::uint32_t>(number), is, 0, {}};
          if (judge(filter.program(), made) != (is_lifted ? kAllowed : call.err)) return false;
        }
      }
    }
    return true;
  });
  check("nothing lifts what is done to terminals, handles, clocks, personalities and the kernel", [] {
    return answer_to("ioctl", {0, 0x5412}, kEverything) == EPERM &&
           answer_to("ioctl", {0, 0x40086602}, kEverything) == kAllowed &&
           answer_to("open_by_handle_at", {}, kEverything) == EPERM &&
           answer_to("clock_settime", {}, kEverything) == EPERM &&
           answer_to("personality", {0x400000}, kEverything) == EPERM &&
           answer_to("init_module", {}, kEverything) == EPERM && answer_to("socket", {40}, kEverything) == kAllowed &&
           answer_to("clone", {0x10000000}, kEverything) == kAllowed;
  });
  check("a name that nobody knows is not allowed",
        [] { return kEverything.is_known() && !Allowances(0x400).is_known(); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "table") {
    print_table();
    return 0;
  }
  check_calls();
  check_arguments();
  check_allowances();
  return failed_checks == 0 ? 0 : 1;
}
