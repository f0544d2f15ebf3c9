#include "freebsd/devfs.h"

#include <sys/mount.h>

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "freebsd/mounts.h"
#include "freebsd/parts/mount.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "devfs-ruleset";
constexpr const char* kDev = "/dev";

}  // namespace

Result<UniqueFd> open_devfs(const std::string& path) {
  UniqueFd dev(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dev) return last_error(kStep, "open", path);
  return dev;
}

devfs_rule empty_rule(int ruleset, int number) {
  devfs_rule empty{};
  empty.dr_magic = DEVFS_MAGIC;
  empty.dr_id = static_cast<devfs_rid>(mkrid(static_cast<unsigned>(ruleset), static_cast<unsigned>(number)));
  return empty;
}

namespace {

/** The first rule with a greater number. Empty if the ruleset has no such rule, or does not exist. */
Result<std::optional<devfs_rule>> next_rule(int dev, int ruleset, int number) {
  devfs_rule next = empty_rule(ruleset, number);
  auto status = call_devfs(dev, DEVFSIO_RGETNEXT, next);
  if (status) return std::optional(next);
  // ENOENT: no more rules, or no such ruleset.
  if (status.error().err == ENOENT) return std::optional<devfs_rule>();
  return std::move(status.error());
}

}  // namespace

Result<std::vector<devfs_rule>> devfs_rules(int dev, int ruleset) {
  std::vector<devfs_rule> rules;
  for (int number = 0;; number = number_of(rules.back())) {
    const auto next = next_rule(dev, ruleset, number);
    if (!next) return next.error();
    if (!*next) return rules;
    rules.push_back(**next);
  }
}

namespace {

// Away from the low numbers that devfs.rules(5) and its readers use.
constexpr int kFirstNumber = 35001;
constexpr int kNumbersTried = 16;

// Of pts/*, a process sees those that its jail has made, and its controlling terminal (devfs(4)), which is also tty. A
// process without one has ctty in the place of tty.
constexpr auto kShown = std::to_array<std::string_view>(
    {"null", "zero", "random", "urandom", "fd", "fd/*", "stdin", "stdout", "stderr", "ctty", "pts", "pts/*", "ptmx"});

/** Two of the nodes directly in /dev exist only while the host has such a terminal, or if it has pty(4). */
bool is_always_there(std::string_view name) { return name.find('/') == name.npos && name != "pts" && name != "ptmx"; }

/** Shows the nodes whose names fit a pattern (devfs(8)). */
devfs_rule showing(int ruleset, int number, std::string_view pattern) {
  devfs_rule rule = empty_rule(ruleset, number);
  rule.dr_icond = DRC_PATHPTRN;
  rule.dr_iacts = DRA_BACTS;
  rule.dr_bacts = DRB_UNHIDE;
  pattern.copy(rule.dr_pathptrn, sizeof(rule.dr_pathptrn) - 1);
  return rule;
}

/** A later rule wins: hide all, then show each of ours. */
std::vector<devfs_rule> our_rules(int ruleset) {
  std::vector<devfs_rule> rules{empty_rule(ruleset, 1)};
  rules.front().dr_iacts = DRA_BACTS;
  rules.front().dr_bacts = DRB_HIDE;
  for (const std::string_view name : kShown) rules.push_back(showing(ruleset, number_of(rules.back()) + 1, name));
  return rules;
}

bool is_same_rule(const devfs_rule& a, const devfs_rule& b) {
  return a.dr_id == b.dr_id && a.dr_icond == b.dr_icond && a.dr_iacts == b.dr_iacts && a.dr_bacts == b.dr_bacts &&
         std::strncmp(a.dr_pathptrn, b.dr_pathptrn, sizeof(a.dr_pathptrn)) == 0;
}

/** Looks at the nodes directly in a devfs, all of which one getdirentries(2) lists if they are ours. */
Result<bool> lists_our_nodes_only(int dev, const std::string& path) {
  alignas(dirent) std::array<char, 4096> entries{};
  const ssize_t size = ::getdirentries(dev, entries.data(), entries.size(), nullptr);
  if (size < 0) return last_error(kStep, "getdirentries", path);
  std::ptrdiff_t missing = std::ranges::count_if(kShown, is_always_there);
  for (ssize_t at = 0; at < size;) {
    const auto* const entry = reinterpret_cast<const dirent*>(entries.data() + at);
    at += entry->d_reclen;
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (std::ranges::find(kShown, name) == kShown.end()) return false;
    if (is_always_there(name)) missing -= 1;
  }
  return missing == 0;
}

Status add_rules(int dev, int ruleset) {
  for (devfs_rule& added : our_rules(ruleset)) {
    // EEXIST: another process makes the same ruleset at this moment. The caller reads the result back.
    auto status = call_devfs(dev, DEVFSIO_RADD, added);
    if (!status && status.error().err != EEXIST) return status;
  }
  return {};
}

SysError not_our_ruleset(int number) {
  return {.step = kStep,
          .syscall = "ioctl",
          .err = EBUSY,
          .path = kDev,
          .detail = "devfs ruleset " + std::to_string(number) + " does not hold the rules of buildjail alone"};
}

/**
 * Finds or makes the devfs(8) ruleset that hides everything but the nodes that a build needs. A ruleset with other
 * rules belongs to somebody else: it stays as it is, and the next number is tried.
 * @return its number
 */
Result<int> ensure_ruleset() {
  auto dev = open_devfs(kDev);
  if (!dev) return std::move(dev.error());
  for (int number = kFirstNumber; number < kFirstNumber + kNumbersTried; ++number) {
    auto rules = devfs_rules(dev->get(), number);
    if (rules && rules->empty()) {
      if (auto status = add_rules(dev->get(), number); !status) return std::move(status.error());
      rules = devfs_rules(dev->get(), number);
    }
    if (!rules) return std::move(rules.error());
    if (std::ranges::equal(*rules, our_rules(number), is_same_rule)) return number;
  }
  return not_our_ruleset(kFirstNumber);
}

/**
 * Whether a devfs that was mounted with the ruleset shows our nodes alone, and the ruleset has no rule after ours. With
 * an emptied ruleset the mount would show every device of the host, and one more rule could show devices that come
 * later. Comparing rule by rule would take a call for each.
 */
Result<bool> shows_our_nodes_only(const std::string& mounted, int ruleset) {
  const auto dev = open_devfs(mounted);
  if (!dev) return dev.error();
  auto is_ours = lists_our_nodes_only(dev->get(), mounted);
  if (!is_ours || !*is_ours) return is_ours;
  const auto next = next_rule(dev->get(), ruleset, static_cast<int>(1 + kShown.size()));
  if (!next) return next.error();
  // defence: no-rule-dev-comes
  return !*next;
}

constexpr const char* kNamedStep = "devices";
constexpr mode_t kForEverybody = 0666;

/** Applies a rule once, outside of any ruleset, because all sessions share ours (devfs(8), "rule apply"). */
Status show(int dev, const std::string& name, bool is_folder, const std::string& path) {
  devfs_rule rule = showing(0, 0, name);
  if (name.size() >= sizeof(rule.dr_pathptrn)) {
    errno = ENAMETOOLONG;
    return last_error(kNamedStep, "ioctl", path);
  }
  if (!is_folder) {
    rule.dr_iacts |= DRA_MODE;
    rule.dr_mode = kForEverybody;
  }
  return ::ioctl(dev, DEVFSIO_RAPPLY, &rule) == 0 ? Status() : last_error(kNamedStep, "ioctl", path);
}

/**
 * Shows the devices that a spec names in the devfs(4) that is mounted at `mounted`, and in no other, to all its users.
 * ESTALE: one is another device than when the plan was made.
 */
Status show_devices(const std::string& mounted, const MountDev& step) {
  if (step.devices.empty()) return {};
  const auto dev = open_devfs(mounted);
  if (!dev) return dev.error();
  for (const NamedDevice& device : step.devices) {
    const std::string name = device.path.substr(step.target.size() + 1);
    for (std::size_t at = 0; (at = name.find('/', at)) != std::string::npos; ++at) {
      if (auto status = show(dev->get(), name.substr(0, at), true, device.path); !status) return status;
    }
    if (auto status = show(dev->get(), name, false, device.path); !status) return status;
    std::string shown = mounted;
    shown.append("/").append(name);
    if (auto status = confirm_device(shown, device, kNamedStep); !status) return status;
  }
  return {};
}

class Devfs final : public Mount {
 public:
  Devfs(SessionJail& jail, const MountDev& step, std::atomic<int>& ruleset)
      : Mount(jail, step.target), step_(step), ruleset_(ruleset) {}

  Status make(Trace& trace) override {
    auto status = mount_ours(trace);
    return status ? show_devices(path(), step_) : status;
  }

 private:
  Status mount_ours(Trace& trace) {
    // If the device was there before, it is looked at once only: after the mount, which then holds it.
    const int known = ruleset_;
    if (known != 0) {
      auto mounted = mount_with(known, trace);
      if (!mounted) return std::move(mounted.error());
      if (*mounted) return {};
    }
    auto ruleset = ensure_ruleset();
    if (!ruleset) return std::move(ruleset.error());
    ruleset_ = *ruleset;
    auto mounted = mount_with(*ruleset, trace);
    if (!mounted) return std::move(mounted.error());
    return *mounted ? Status() : not_our_ruleset(*ruleset);
  }

  /** False if the ruleset was not ours any more; then nothing was mounted. */
  Result<bool> mount_with(int ruleset, Trace& trace) {
    jail().devfs_ruleset = ruleset;
    auto options = file_system("devfs", path());
    // defence: dev-shows-listed-devices
    options.add_string("ruleset", std::to_string(ruleset));
    // The kernel has the flags, but statfs(2) shows none of them for a devfs (devfs_statfs).
    if (auto status = mount(std::move(options), MNT_NOSUID | MNT_NOEXEC, 0); !status) return std::move(status.error());
    // defence: rules-dev-looked-when
    auto is_ours = shows_our_nodes_only(path(), ruleset);
    if (!is_ours || *is_ours) return is_ours;
    TakingAway taking{.trace = trace};
    if (auto status = take_away(taking); !status) return std::move(status.error());
    return false;
  }

  const MountDev& step_;
  std::atomic<int>& ruleset_;
};

}  // namespace

std::unique_ptr<Part> devfs_part(SessionJail& jail, const MountDev& step, std::atomic<int>& ruleset) {
  return std::make_unique<Devfs>(jail, step, ruleset);
}

}  // namespace buildjail
