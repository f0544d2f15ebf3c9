#include "freebsd/devfs_ruleset.h"

#include <sys/param.h>
#include <sys/ioctl.h>
#include <sys/queue.h>

#include <fs/devfs/devfs.h>

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include "core/unique_fd.h"

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

/** In order, the later winning: hide all, then show each of ours. */
std::vector<devfs_rule> rules_of(int ruleset) {
  std::vector<devfs_rule> rules;
  devfs_rule hide_all = rule(ruleset, 1);
  hide_all.dr_iacts = DRA_BACTS;
  hide_all.dr_bacts = DRB_HIDE;
  rules.push_back(hide_all);
  for (const std::string_view name : kShown) {
    devfs_rule show = rule(ruleset, static_cast<int>(rules.size()) + 1);
    show.dr_icond = DRC_PATHPTRN;
    name.copy(show.dr_pathptrn, sizeof(show.dr_pathptrn) - 1);
    show.dr_iacts = DRA_BACTS;
    show.dr_bacts = DRB_UNHIDE;
    rules.push_back(show);
  }
  return rules;
}

bool is_same_rule(const devfs_rule& a, const devfs_rule& b) {
  return a.dr_id == b.dr_id && a.dr_icond == b.dr_icond && a.dr_iacts == b.dr_iacts && a.dr_bacts == b.dr_bacts &&
         std::strncmp(a.dr_pathptrn, b.dr_pathptrn, sizeof(a.dr_pathptrn)) == 0;
}

Result<std::vector<devfs_rule>> read_rules(int dev, int ruleset) {
  std::vector<devfs_rule> rules;
  devfs_rule next = rule(ruleset, 0);
  while (::ioctl(dev, DEVFSIO_RGETNEXT, &next) == 0) rules.push_back(next);
  // ENOENT: no more rules, or no such ruleset.
  if (errno != ENOENT) return last_error(kStep, "ioctl", kDev);
  return rules;
}

bool is_ours(const std::vector<devfs_rule>& rules, int ruleset) {
  const auto expected = rules_of(ruleset);
  return std::equal(rules.begin(), rules.end(), expected.begin(), expected.end(), is_same_rule);
}

Result<UniqueFd> open_dev() {
  UniqueFd dev(::open(kDev, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dev) return last_error(kStep, "open", kDev);
  return dev;
}

Status add_rules(int dev, int ruleset) {
  for (devfs_rule& added : rules_of(ruleset)) {
    // EEXIST: another process is making the same ruleset right now; what came of it is read back afterwards.
    if (::ioctl(dev, DEVFSIO_RADD, &added) != 0 && errno != EEXIST) return last_error(kStep, "ioctl", kDev);
  }
  return {};
}

SysError not_ours(int number) {
  return {.step = kStep,
          .syscall = "ioctl",
          .err = EBUSY,
          .path = kDev,
          .dest = {},
          .detail = "devfs ruleset " + std::to_string(number) + " does not hold the rules of buildjail alone"};
}

}  // namespace

Result<int> ensure_devfs_ruleset() {
  auto dev = open_dev();
  if (!dev) return std::move(dev.error());
  for (int number = kFirstNumber; number < kFirstNumber + kNumbersTried; ++number) {
    auto rules = read_rules(dev->get(), number);
    if (!rules) return std::move(rules.error());
    if (rules->empty()) {
      if (auto status = add_rules(dev->get(), number); !status) return std::move(status.error());
      rules = read_rules(dev->get(), number);
      if (!rules) return std::move(rules.error());
    }
    if (is_ours(*rules, number)) return number;
  }
  return not_ours(kFirstNumber);
}

Status verify_devfs_ruleset(int number) {
  const auto dev = open_dev();
  if (!dev) return dev.error();
  const auto rules = read_rules(dev->get(), number);
  if (!rules) return rules.error();
  if (!is_ours(*rules, number)) return not_ours(number);
  return {};
}

}  // namespace buildjail
