#include "freebsd/jail_parameters.h"

#include <sys/param.h>
#include <sys/jail.h>
#include <sys/sysctl.h>

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>

#include "base/text.h"
#include "freebsd/iovec_list.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "jail-parameters";
constexpr std::string_view kPrefix = "security.jail.param.";

using Oid = std::vector<int>;

// The sysctl tree describes itself under { CTL_SYSCTL, ... } (sysctl(3), sys/sysctl.h).
Result<std::vector<char>> describe(int what, const Oid& oid) {
  std::vector<int> query{CTL_SYSCTL, what};
  query.insert(query.end(), oid.begin(), oid.end());
  std::vector<char> answer(2048);
  std::size_t size = answer.size();
  if (::sysctl(query.data(), static_cast<unsigned>(query.size()), answer.data(), &size, nullptr, 0) != 0) {
    return last_error(kStep, "sysctl", std::string(kPrefix));
  }
  answer.resize(size);
  return answer;
}

/** The next node of the tree after `oid`; an empty one at its end, which is ENOENT (sysctl_sysctl_next). */
Result<Oid> next_of(const Oid& oid) {
  const auto answer = describe(CTL_SYSCTL_NEXT, oid);
  if (!answer && answer.error().err == ENOENT) return Oid();
  if (!answer) return answer.error();
  Oid next(answer->size() / sizeof(int));
  std::memcpy(next.data(), answer->data(), next.size() * sizeof(int));
  return next;
}

constexpr std::string_view kBool = "bool";
constexpr std::string_view kUlong = "ulong";
constexpr std::string_view kString = "string";

/** Empty for a type that no parameter has. */
std::string_view type_of(unsigned kind, std::string_view format) {
  switch (kind & CTLTYPE) {
    case CTLTYPE_INT:
    case CTLTYPE_UINT:
      if (format == "B") return kBool;
      return format == "E,jailsys" ? "jailsys" : "int";
    case CTLTYPE_LONG:
    case CTLTYPE_ULONG:
      return kUlong;
    case CTLTYPE_STRING:
      return kString;
    case CTLTYPE_STRUCT:
      if (format.starts_with("S,in_addr")) return "in_addr";
      return format.starts_with("S,in6_addr") ? "in6_addr" : "";
    default:
      return {};
  }
}

/**
 * Bytes that a text can have, its NUL among them: the kernel lists a parameter of this kind with them (sys/jail.h). It
 * is not asked by an empty buffer how long one is, as `meta` and `env` answer that with EINVAL (jm_osd_method_get).
 */
Result<std::size_t> longest_text(const std::string& name) {
  const std::string listed = std::string(kPrefix) + name;
  std::array<char, 32> digits{};
  std::size_t size = digits.size() - 1;
  if (::sysctlbyname(listed.c_str(), digits.data(), &size, nullptr, 0) != 0) return last_error(kStep, "sysctl", listed);
  std::size_t longest = 0;
  if (!read_number(digits.data(), longest)) {
    errno = EINVAL;
    return last_error(kStep, "sysctl", listed);
  }
  return longest;
}

/** Bytes of an answer; 0 for an empty list. */
Result<std::size_t> size_of_answer(int jid, const JailParameter& parameter) {
  if (parameter.type == kString) return parameter.longest;
  if (!parameter.type.ends_with("_addr")) return parameter.type == kUlong ? sizeof(unsigned long) : sizeof(int);
  IovecList question;
  question.add_int("jid", jid);
  question.add_buffer(parameter.name, 0);
  if (question.call(::jail_get, 0) < 0) return last_error("record", "jail_get", parameter.name);
  return question.data()[3].iov_len;
}

// One jail_get(2) of one parameter.
Result<std::vector<std::byte>> get_one(int jid, const JailParameter& parameter) {
  const auto copied = [](std::span<const std::byte> bytes) { return std::vector(bytes.begin(), bytes.end()); };
  // The key of the question cannot be asked for as well: of two equal names the kernel keeps the last.
  if (parameter.name == "jid") return copied(std::as_bytes(std::span(&jid, 1)));
  const auto size = size_of_answer(jid, parameter);
  if (!size) return size.error();
  if (*size == 0) return std::vector<std::byte>();
  IovecList answer;
  answer.add_int("jid", jid);
  answer.add_buffer(parameter.name, *size);
  if (answer.call(::jail_get, 0) < 0) return answer.error("record", "jail_get", parameter.name);
  return copied(answer.value(1));
}

/** A module has listed the parameter, and does not answer for this jail (kern_jail_get). */
bool is_of_no_jail(const SysError& error) {
  return error.err == EINVAL && error.detail.starts_with("unknown parameter");
}

}  // namespace

Result<std::vector<JailParameter>> list_jail_parameters() {
  std::array<int, CTL_MAXNAME> root{};
  std::size_t depth = root.size();
  if (::sysctlnametomib("security.jail.param", root.data(), &depth) != 0)
    return last_error(kStep, "sysctl", "security.jail.param");
  const Oid top(root.begin(), root.begin() + static_cast<std::ptrdiff_t>(depth));

  std::vector<JailParameter> parameters;
  // A parameter that was missed would be a permission that stays on, so a name that cannot be read is an error.
  for (auto oid = next_of(top);; oid = next_of(*oid)) {
    if (!oid) return std::move(oid.error());
    if (oid->size() < depth || !std::equal(top.begin(), top.end(), oid->begin())) return parameters;
    const auto name = describe(CTL_SYSCTL_NAME, *oid);
    if (!name) return name.error();
    const auto format = describe(CTL_SYSCTL_OIDFMT, *oid);
    if (!format) return format.error();
    if (format->size() <= sizeof(unsigned)) continue;
    unsigned kind = 0;
    std::memcpy(&kind, format->data(), sizeof(kind));
    const std::string_view type = type_of(kind, format->data() + sizeof(kind));
    std::string text = name->data();
    if (type.empty() || !text.starts_with(kPrefix)) continue;
    text.erase(0, kPrefix.size());
    // A parameter that has others below it is listed as `ip4.` (sys/jail.h, SYSCTL_JAIL_PARAM_SYS_NODE).
    if (text.ends_with('.')) text.pop_back();
    const auto longest = type == kString ? longest_text(text) : Result<std::size_t>(0);
    if (!longest) return longest.error();
    parameters.push_back({.type = type, .name = std::move(text), .longest = *longest});
  }
}

Result<std::vector<JailValue>> get_jail(int jid) {
  const auto parameters = list_jail_parameters();
  if (!parameters) return parameters.error();
  std::vector<JailValue> values;
  for (const auto& parameter : *parameters) {
    auto bytes = get_one(jid, parameter);
    if (bytes)
      values.push_back({.name = parameter.name, .type = parameter.type, .bytes = std::move(*bytes)});
    else if (!is_of_no_jail(bytes.error()))
      return std::move(bytes.error());
  }
  return values;
}

namespace {

// Of 15.0 (jail(2)).
constexpr int kFirstWithDescriptors = 1500000;

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
    const bool is_permission = parameter.type == kBool && parameter.name.starts_with("allow.");
    if (is_permission && parameter.name != "allow.suser") refusals.push_back(negated(parameter.name));
  }
  return refusals;
}

}  // namespace

Result<JailAbilities> JailAbilities::find() {
  const int version = ::getosreldate();
  if (version < 0) return last_error("jail_set", "getosreldate");
  auto known = list_jail_parameters();
  if (!known) return std::move(known.error());
  auto refusals = refusals_of(*known);
  return JailAbilities{.has_descriptors = version >= kFirstWithDescriptors,
                       .parameters = std::move(*known),
                       .refusals = std::move(refusals)};
}

}  // namespace buildjail
