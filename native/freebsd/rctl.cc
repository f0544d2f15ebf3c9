#include "freebsd/rctl.h"

#include <sys/types.h>
#include <sys/rctl.h>
#include <sys/sysctl.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "rctl";
constexpr std::size_t kFirstRoom = 4096;

/** The filter for the rules of a jail, and the subject for its usage. */
std::string of_jail(const std::string& jail) { return "jail:" + jail + ":"; }

/** With its NUL, which the kernel wants counted (rctl_read_inbuf). */
std::size_t size_of(const std::string& text) { return text.size() + 1; }

}  // namespace

Result<bool> counts_resources() {
  bool is_counting = false;
  std::size_t size = sizeof(is_counting);
  if (::sysctlbyname("kern.racct.enable", &is_counting, &size, nullptr, 0) == 0) return is_counting;
  // A kernel without RACCT lacks the setting.
  if (errno == ENOENT) return false;
  return last_error("limits", "sysctl", "kern.racct.enable");
}

Status rctl_add(const std::string& rule) {
  return ::rctl_add_rule(rule.c_str(), size_of(rule), nullptr, 0) == 0 ? Status()
                                                                       : last_error(kStep, "rctl_add_rule", rule);
}

Status rctl_remove(const std::string& filter) {
  return ::rctl_remove_rule(filter.c_str(), size_of(filter), nullptr, 0) == 0
             ? Status()
             : last_error(kStep, "rctl_remove_rule", filter);
}

Result<std::string> rctl_rules(const std::string& filter) {
  for (std::size_t room = kFirstRoom;; room *= 2) {
    std::string answer(room, '\0');
    if (::rctl_get_rules(filter.c_str(), size_of(filter), answer.data(), answer.size()) == 0)
      return std::string(answer.c_str());
    // E2BIG: more room than the kernel allows (the sysctl kern.racct.rctl.maxbufsize).
    if (errno != ERANGE) return last_error(kStep, "rctl_get_rules", filter);
  }
}

Result<RctlUsage> rctl_usage(const std::string& subject) {
  // About 25 resources, each with a number.
  std::array<char, kFirstRoom> answer{};
  if (::rctl_get_racct(subject.c_str(), size_of(subject), answer.data(), answer.size()) != 0)
    return last_error("usage", "rctl_get_racct", subject);
  RctlUsage used;
  std::string_view rest(answer.data());
  while (!rest.empty()) {
    std::string_view value = cut(rest, ',');
    const std::string name(cut(value, '='));
    std::uint64_t number = 0;
    if (read_number(value, number)) used.emplace(name, number);
  }
  return used;
}

Status add_rule(const std::string& jail, const std::string& rule) { return rctl_add(of_jail(jail) + rule); }

Status remove_rules(const std::string& jail, const std::string& resource) {
  auto status = rctl_remove(of_jail(jail) + resource);
  if (status || status.error().err == ESRCH) return {};
  // The rules of a dead session are gone if the host was restarted and no longer counts.
  if (status.error().err == ENOSYS) {
    if (const auto is_counting = counts_resources(); is_counting && !*is_counting) return {};
  }
  return status;
}

Result<std::optional<RctlUsage>> used_by(const std::string& jail) {
  auto used = rctl_usage(of_jail(jail));
  if (used) return std::optional(std::move(*used));
  if (used.error().err == ENOSYS) return std::optional<RctlUsage>();
  return std::move(used.error());
}

}  // namespace buildjail
