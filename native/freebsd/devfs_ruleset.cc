#include "freebsd/devfs_ruleset.h"

#include <sys/param.h>
#include <sys/ioctl.h>
#include <sys/queue.h>

#include <fs/devfs/devfs.h>

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "devfs-ruleset";
constexpr const char* kDev = "/dev";

// Away from the low numbers that devfs.rules(5) and its readers use.
constexpr int kFirstNumber = 35001;
constexpr int kNumbersTried = 16;

constexpr auto kShown =
    std::to_array<std::string_view>({"null", "zero", "random", "urandom", "fd", "fd/*", "stdin", "stdout", "stderr"});

devfs_rule rule(int ruleset, int number) {
  devfs_rule empty{};
  empty.dr_magic = DEVFS_MAGIC;
  empty.dr_id = static_cast<devfs_rid>(mkrid(static_cast<unsigned>(ruleset), static_cast<unsigned>(number)));
  return empty;
}

constexpr std::size_t kRuleCount = 1 + kShown.size();

/** In order, the later winning: hide all, then show each of ours. */
devfs_rule rule_at(int ruleset, std::size_t index) {
  devfs_rule one = rule(ruleset, static_cast<int>(index) + 1);
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
  devfs_rule next = rule(ruleset, 0);
  while (::ioctl(dev, DEVFSIO_RGETNEXT, &next) == 0) {
    if (count == kRuleCount || !is_same_rule(next, rule_at(ruleset, count))) return Rules::kOther;
    count += 1;
  }
  // ENOENT: no more rules, or no such ruleset.
  if (errno != ENOENT) return last_error(kStep, "ioctl", kDev);
  if (count == 0) return Rules::kNone;
  return count == kRuleCount ? Rules::kOurs : Rules::kOther;
}

Result<UniqueFd> open_dev() {
  UniqueFd dev(::open(kDev, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dev) return last_error(kStep, "open", kDev);
  return dev;
}

Status add_rules(int dev, int ruleset) {
  for (std::size_t index = 0; index < kRuleCount; ++index) {
    devfs_rule added = rule_at(ruleset, index);
    // EEXIST: another process is making the same ruleset right now; what came of it is read back afterwards.
    if (::ioctl(dev, DEVFSIO_RADD, &added) != 0 && errno != EEXIST) return last_error(kStep, "ioctl", kDev);
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
  auto dev = open_dev();
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

Result<bool> is_devfs_ruleset_ours(int number) {
  const auto dev = open_dev();
  if (!dev) return dev.error();
  const auto rules = look_at(dev->get(), number);
  if (!rules) return rules.error();
  return *rules == Rules::kOurs;
}

}  // namespace buildjail
