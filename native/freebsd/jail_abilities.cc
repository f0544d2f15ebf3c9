#include "freebsd/jail_abilities.h"

#include <sys/param.h>

#include <unistd.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "freebsd/jail_parameters.h"

namespace buildjail {

namespace {

// Of 15.0 (jail(2)).
constexpr int kFirstWithDescriptors = 1500000;

bool knows(const std::vector<JailParameter>& known, std::string_view name) {
  return std::any_of(known.begin(), known.end(), [name](const auto& parameter) { return parameter.name == name; });
}

/** `allow.x` to `allow.nox`, `allow.mount.x` to `allow.mount.nox` (jail(8)). */
std::string negated(const std::string& name) {
  const std::size_t dot = name.rfind('.') + 1;
  return name.substr(0, dot) + "no" + name.substr(dot);
}

// Every permission this kernel has, off: those that are on by default (set_hostname, reserved_ports,
// unprivileged_proc_debug) and those that may be tomorrow. `allow.suser` stays, as without it there is no leaving root
// behind inside (jail(8)). `allow.mount` would cover `allow.mount.*`, which is listed as well.
std::vector<std::string> refusals_of(const std::vector<JailParameter>& known) {
  std::vector<std::string> refusals;
  for (const auto& parameter : known) {
    const bool is_permission = parameter.type == JailParameter::Type::kBool && parameter.name.starts_with("allow.");
    if (is_permission && parameter.name != "allow.suser") refusals.push_back(negated(parameter.name));
  }
  return refusals;
}

std::vector<std::string> those_known(const std::vector<JailParameter>& known,
                                     std::initializer_list<const char*> names) {
  std::vector<std::string> found;
  for (const char* name : names) {
    if (knows(known, name)) found.emplace_back(name);
  }
  return found;
}

}  // namespace

Result<JailAbilities> JailAbilities::find() {
  const int version = ::getosreldate();
  if (version < 0) return last_error("jail_set", "getosreldate");
  const auto known = list_jail_parameters();
  if (!known) return known.error();
  return JailAbilities{.has_descriptors = version >= kFirstWithDescriptors,
                       .has_meta = knows(*known, "meta"),
                       .has_vnet = knows(*known, "vnet"),
                       .networks = those_known(*known, {"ip4", "ip6"}),
                       .ipc = those_known(*known, {"sysvmsg", "sysvsem", "sysvshm"}),
                       .refusals = refusals_of(*known)};
}

}  // namespace buildjail
