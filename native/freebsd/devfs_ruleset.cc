#include "freebsd/devfs_ruleset.h"

#include <dirent.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "freebsd/devfs_rules.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "devfs-ruleset";
constexpr const char* kDev = "/dev";

// Away from the low numbers that devfs.rules(5) and its readers use.
constexpr int kFirstNumber = 35001;
constexpr int kNumbersTried = 16;

// Of pts/* a process sees those that its jail has made, and the terminal that controls it (devfs(5)); that one is also
// tty, and ctty is what tty is for a process without one.
constexpr auto kShown = std::to_array<std::string_view>(
    {"null", "zero", "random", "urandom", "fd", "fd/*", "stdin", "stdout", "stderr", "ctty", "pts", "pts/*", "ptmx"});

/** There while the host has such a terminal, and where it has pty(4). */
constexpr auto kOnDemand = std::to_array<std::string_view>({"pts", "ptmx"});

bool is_on_demand(std::string_view name) { return std::ranges::find(kOnDemand, name) != kOnDemand.end(); }

constexpr std::size_t kRuleCount = 1 + kShown.size();

/** In order, the later winning: hide all, then show each of ours. */
devfs_rule rule_at(int ruleset, std::size_t index) {
  devfs_rule one = empty_rule(ruleset, static_cast<int>(index) + 1);
  one.dr_iacts = DRA_BACTS;
  one.dr_bacts = index == 0 ? DRB_HIDE : DRB_UNHIDE;
  if (index == 0) return one;
  one.dr_icond = DRC_PATHPTRN;
  kShown.at(index - 1).copy(one.dr_pathptrn, sizeof(one.dr_pathptrn) - 1);
  return one;
}

bool is_same_rule(const devfs_rule& a, const devfs_rule& b) {
  return a.dr_id == b.dr_id && a.dr_icond == b.dr_icond && a.dr_iacts == b.dr_iacts && a.dr_bacts == b.dr_bacts &&
         std::strncmp(a.dr_pathptrn, b.dr_pathptrn, sizeof(a.dr_pathptrn)) == 0;
}

enum class Rules : std::uint8_t { kNone, kOurs, kOther };

Result<Rules> look_at(int dev, int ruleset) {
  std::size_t count = 0;
  for (int number = 0;;) {
    const auto next = next_devfs_rule(dev, ruleset, number);
    if (!next) return next.error();
    if (!*next) break;
    if (count == kRuleCount || !is_same_rule(**next, rule_at(ruleset, count))) return Rules::kOther;
    number = number_of(**next);
    count += 1;
  }
  if (count == 0) return Rules::kNone;
  return count == kRuleCount ? Rules::kOurs : Rules::kOther;
}

bool is_directory_itself(std::string_view name) { return name == "." || name == ".."; }

/** Those right in /dev, each once. */
Result<bool> lists_our_nodes_only(int dev, const std::string& path) {
  // There is room for ours in one call, and for more than ours.
  alignas(dirent) std::array<char, 4096> entries{};
  const ssize_t size = ::getdirentries(dev, entries.data(), entries.size(), nullptr);
  if (size < 0) return last_error(kStep, "getdirentries", path);
  std::ptrdiff_t seen = 0;
  for (ssize_t at = 0; at < size;) {
    const auto* const entry = reinterpret_cast<const dirent*>(entries.data() + at);
    at += entry->d_reclen;
    if (is_directory_itself(entry->d_name)) continue;
    const std::string_view name = entry->d_name;
    if (std::ranges::find(kShown, name) == kShown.end()) return false;
    if (!is_on_demand(name)) seen += 1;
  }
  const auto is_always_there = [](auto name) { return name.find('/') == name.npos && !is_on_demand(name); };
  return seen == std::ranges::count_if(kShown, is_always_there);
}

Status add_rules(int dev, int ruleset) {
  for (std::size_t index = 0; index < kRuleCount; ++index) {
    devfs_rule added = rule_at(ruleset, index);
    // EEXIST: another process is making the same ruleset right now; what came of it is read back afterwards.
    auto status = add_devfs_rule(dev, added);
    if (!status && status.error().err != EEXIST) return status;
  }
  return {};
}

}  // namespace

SysError not_our_ruleset(int number) {
  return {.step = kStep,
          .syscall = "ioctl",
          .err = EBUSY,
          .path = kDev,
          .dest = {},
          .detail = "devfs ruleset " + std::to_string(number) + " does not hold the rules of buildjail alone"};
}

Result<int> ensure_devfs_ruleset() {
  auto dev = open_devfs(kDev);
  if (!dev) return std::move(dev.error());
  for (int number = kFirstNumber; number < kFirstNumber + kNumbersTried; ++number) {
    auto rules = look_at(dev->get(), number);
    if (!rules) return std::move(rules.error());
    if (*rules == Rules::kNone) {
      if (auto status = add_rules(dev->get(), number); !status) return std::move(status.error());
      rules = look_at(dev->get(), number);
      if (!rules) return std::move(rules.error());
    }
    if (*rules == Rules::kOurs) return number;
  }
  return not_our_ruleset(kFirstNumber);
}

Result<bool> shows_our_nodes_only(const std::string& mounted, int ruleset) {
  const auto dev = open_devfs(mounted);
  if (!dev) return dev.error();
  auto is_ours = lists_our_nodes_only(dev->get(), mounted);
  if (!is_ours || !*is_ours) return is_ours;
  const auto next = next_devfs_rule(dev->get(), ruleset, static_cast<int>(kRuleCount));
  if (!next) return next.error();
  // defence: no-rule-dev-comes
  return !*next;
}

}  // namespace buildjail
