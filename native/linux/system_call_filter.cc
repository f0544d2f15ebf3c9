#include "linux/system_call_filter.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <ranges>
#include <set>
#include <utility>

#include "linux/path_calls.h"

namespace buildjail {

namespace {

// By number: the kernel's headers are not installed wherever a compiler is (seccomp(2), linux/bpf_common.h).

/** SECCOMP_RET_ALLOW, _ERRNO and _USER_NOTIF. */
constexpr std::uint32_t kAllow = 0x7fff0000, kAnswer = 0x00050000, kTell = 0x7fc00000;

/** struct seccomp_data: int nr, __u32 arch, __u64 instruction_pointer, __u64 args[6]. */
constexpr std::uint32_t kNumber = 0, kArchitecture = 4, kArguments = 16, kArgumentSize = 8;

constexpr std::uint16_t kLoad = 0x20;           // BPF_LD | BPF_W | BPF_ABS
constexpr std::uint16_t kAnd = 0x54;            // BPF_ALU | BPF_AND | BPF_K
constexpr std::uint16_t kJump = 0x05;           // BPF_JMP | BPF_JA
constexpr std::uint16_t kJumpIfEqual = 0x15;    // BPF_JMP | BPF_JEQ | BPF_K
constexpr std::uint16_t kJumpIfNotLess = 0x35;  // BPF_JMP | BPF_JGE | BPF_K
constexpr std::uint16_t kReturn = 0x06;         // BPF_RET | BPF_K

/** The number that a tracer gives a call to skip it (seccomp(2)). */
constexpr std::uint32_t kSkipped = ~std::uint32_t{0};

bool is_refused(const RefusedCall& call, Allowances allowed) {
  // defence: system-calls-refused-keyrings
  return !call.is_lifted(allowed);
}

using Program = std::vector<FilterInstruction>;

constexpr FilterInstruction load(std::uint32_t from) { return {kLoad, 0, 0, from}; }
constexpr FilterInstruction answer(int err) { return {kReturn, 0, 0, kAnswer | static_cast<std::uint32_t>(err)}; }
constexpr FilterInstruction kLetThrough{kReturn, 0, 0, kAllow};
constexpr FilterInstruction kTellListener{kReturn, 0, 0, kTell};

void append(Program& program, const Program& more) { program.insert(program.end(), more.begin(), more.end()); }

/** Goes on if it holds, and skips `otherwise` instructions if it does not. */
FilterInstruction jump_of(const Condition& condition, std::size_t otherwise) {
  const auto skipped = static_cast<std::uint8_t>(otherwise);
  if (condition.kind == Condition::Kind::kIs) return {kJumpIfEqual, 0, skipped, condition.value};
  return {kJumpIfEqual, skipped, 0, condition.value};
}

/** Refuses the call, or passes it to the listener, if all of its conditions hold. Goes on after it otherwise. */
Program judgement(const RefusedCall& call, Listened listened) {
  Program rest{call.is_told && listened.modes ? kTellListener : answer(call.err)};
  for (const Condition& condition : std::views::reverse(call.when)) {
    if (condition.kind == Condition::Kind::kAlways) continue;
    // The kernel's data are in the order of the processor's bytes, and all of these have the lower half first.
    Program program{load(kArguments + condition.argument * kArgumentSize)};
    if (condition.mask != kWholeArgument) program.push_back({kAnd, 0, 0, condition.mask});
    program.push_back(jump_of(condition, rest.size()));
    append(program, rest);
    rest = std::move(program);
  }
  return rest;
}

/** Judges all entries of the table for one number. `end` is for a call that none of them refuses. */
Program judgement_of(std::span<const RefusedCall* const> calls, Listened listened, const FilterInstruction& end) {
  Program program;
  for (const RefusedCall* const call : calls) {
    append(program, judgement(*call, listened));
    if (!call->is_conditional()) return program;
  }
  program.push_back(end);
  return program;
}

/** The numbers from this one up to the next entry's, which have the same judgement. */
struct Numbers {
  std::uint32_t first;
  Program end;
};

std::vector<Numbers> judged_numbers(Allowances allowed, Architecture architecture, Listened listened) {
  std::vector<std::vector<const RefusedCall*>> calls(kNewestCall + 1);
  for (const RefusedCall& call : refused_calls()) {
    const int number = architecture == Architecture::kX8664 ? call.x86_64 : call.generic;
    if (number != kNoSuchCall && is_refused(call, allowed)) calls.at(static_cast<std::size_t>(number)).push_back(&call);
  }
  std::set<int> told;
  for (const PathCall& call : path_calls())
    if (listened.paths) told.insert(call.number(architecture));
  std::vector<Numbers> judged;
  for (std::uint32_t number = 0; number < calls.size(); ++number) {
    const bool is_told = told.contains(static_cast<int>(number));
    Program end = judgement_of(calls[number], listened, is_told ? kTellListener : kLetThrough);
    if (judged.empty() || judged.back().end != end) judged.push_back({number, std::move(end)});
  }
  return judged;
}

/** Judges the numbers of both. Expects the number to be loaded. */
Program either(const Program& lower, const Numbers& upper) {
  constexpr std::size_t kFarthest = 255;
  Program program;
  if (lower.size() <= kFarthest) {
    program.push_back({kJumpIfNotLess, static_cast<std::uint8_t>(lower.size()), 0, upper.first});
  } else {
    program.push_back({kJumpIfNotLess, 0, 1, upper.first});
    program.push_back({kJump, 0, 0, static_cast<std::uint32_t>(lower.size())});
  }
  append(program, lower);
  append(program, upper.end);
  return program;
}

/**
 * Finds a number by halves: when the kernel installs a program it runs that for every number, to remember which ones it
 * allows whatever their arguments are (seccomp_cache_prepare()).
 */
Program search(std::vector<Numbers> judged) {
  while (judged.size() > 1) {
    std::vector<Numbers> paired;
    for (std::size_t i = 0; i + 1 < judged.size(); i += 2)
      paired.push_back({judged[i].first, either(judged[i].end, judged[i + 1])});
    if (judged.size() % 2 != 0) paired.push_back(std::move(judged.back()));
    judged = std::move(paired);
  }
  return std::move(judged.front().end);
}

Program compile(Allowances allowed, Architecture architecture, Listened listened) {
  Program program{
      // A program can also make calls of another architecture, with other numbers: those of i386 by int 0x80.
      load(kArchitecture),
      // defence: system-calls-refused-those
      {kJumpIfEqual, 1, 0, static_cast<std::uint32_t>(architecture)},
      answer(ENOSYS),
      load(kNumber),
      // Calls newer than the table do not exist, as on an older kernel. Neither do the calls of x32, which have bit 30.
      {kJumpIfNotLess, 0, 3, kNewestCall + 1},
      {kJumpIfEqual, 0, 1, kSkipped},
      kLetThrough,
      answer(ENOSYS),
  };
  append(program, search(judged_numbers(allowed, architecture, listened)));
  return program;
}

}  // namespace

SystemCallFilter::SystemCallFilter(Allowances allowed, Architecture architecture, Listened listened)
    : program_(compile(allowed, architecture, listened)) {}

bool SystemCallFilter::tells() const { return std::ranges::find(program_, kTellListener) != program_.end(); }

}  // namespace buildjail
