#include "freebsd/jail_parameters.h"

#include <sys/param.h>
#include <sys/jail.h>
#include <sys/socket.h>
#include <sys/sysctl.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>

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

std::optional<JailParameter::Type> type_of(unsigned kind, std::string_view format) {
  switch (kind & CTLTYPE) {
    case CTLTYPE_INT:
    case CTLTYPE_UINT:
      if (format == "B") return JailParameter::Type::kBool;
      return format == "E,jailsys" ? JailParameter::Type::kJailsys : JailParameter::Type::kInt;
    case CTLTYPE_LONG:
    case CTLTYPE_ULONG:
      return JailParameter::Type::kUlong;
    case CTLTYPE_STRING:
      return JailParameter::Type::kString;
    case CTLTYPE_STRUCT:
      if (format.starts_with("S,in_addr")) return JailParameter::Type::kIn4Addresses;
      if (format.starts_with("S,in6_addr")) return JailParameter::Type::kIn6Addresses;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

std::size_t size_of(JailParameter::Type type) {
  return type == JailParameter::Type::kUlong ? sizeof(unsigned long) : sizeof(int);
}

bool is_list(JailParameter::Type type) {
  return type == JailParameter::Type::kIn4Addresses || type == JailParameter::Type::kIn6Addresses;
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
  const std::string_view text(digits.data());
  if (std::from_chars(text.begin(), text.end(), longest).ec != std::errc()) {
    errno = EINVAL;
    return last_error(kStep, "sysctl", listed);
  }
  return longest;
}

/** Bytes of an answer; 0 for a list of none. */
Result<std::size_t> size_of_answer(int jid, const JailParameter& parameter) {
  if (parameter.type == JailParameter::Type::kString) return longest_text(parameter.name);
  if (!is_list(parameter.type)) return size_of(parameter.type);
  IovecList question;
  question.add_int("jid", jid);
  question.add_buffer(parameter.name, 0);
  if (::jail_get(question.data(), question.size(), 0) < 0) return last_error("record", "jail_get", parameter.name);
  return question.data()[3].iov_len;
}

template <class T>
T read_as(std::span<const std::byte> bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), std::min(sizeof(T), bytes.size()));
  return value;
}

std::vector<std::string> addresses(std::span<const std::byte> bytes, int family, std::size_t size) {
  std::vector<std::string> texts;
  for (std::size_t at = 0; at + size <= bytes.size(); at += size) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (::inet_ntop(family, bytes.subspan(at).data(), text.data(), text.size()) != nullptr)
      texts.emplace_back(text.data());
  }
  return texts;
}

ParameterValue decode(JailParameter::Type type, std::span<const std::byte> bytes) {
  switch (type) {
    case JailParameter::Type::kBool:
      return read_as<int>(bytes) != 0;
    case JailParameter::Type::kInt:
      return static_cast<std::int64_t>(read_as<int>(bytes));
    case JailParameter::Type::kUlong:
      return static_cast<std::int64_t>(read_as<unsigned long>(bytes));
    case JailParameter::Type::kJailsys: {
      // The words of jail(8).
      const int value = read_as<int>(bytes);
      return std::string(value == JAIL_SYS_DISABLE ? "disable" : value == JAIL_SYS_NEW ? "new" : "inherit");
    }
    case JailParameter::Type::kString: {
      const auto* text = reinterpret_cast<const char*>(bytes.data());
      return std::string(text, ::strnlen(text, bytes.size()));
    }
    case JailParameter::Type::kIn4Addresses:
      return addresses(bytes, AF_INET, sizeof(in_addr));
    case JailParameter::Type::kIn6Addresses:
      return addresses(bytes, AF_INET6, sizeof(in6_addr));
  }
  return std::string();
}

// One jail_get(2) of one parameter.
Result<ParameterValue> get_one(int jid, const JailParameter& parameter) {
  // The key of the question cannot be asked for as well: of two equal names the kernel keeps the last.
  if (parameter.name == "jid") return ParameterValue(static_cast<std::int64_t>(jid));
  const auto size = size_of_answer(jid, parameter);
  if (!size) return size.error();
  if (*size == 0) return decode(parameter.type, {});
  IovecList answer;
  answer.add_int("jid", jid);
  answer.add_buffer(parameter.name, *size);
  answer.add_errmsg();
  if (::jail_get(answer.data(), answer.size(), 0) < 0) return answer.error("record", "jail_get", parameter.name);
  return decode(parameter.type, answer.value(1));
}

/** A module has listed the parameter, and does not answer for this jail (kern_jail_get). */
bool is_of_no_jail(const SysError& error) {
  return error.err == EINVAL && error.detail.starts_with("unknown parameter");
}

}  // namespace

const char* type_name(JailParameter::Type type) {
  switch (type) {
    case JailParameter::Type::kBool:
      return "bool";
    case JailParameter::Type::kInt:
      return "int";
    case JailParameter::Type::kUlong:
      return "ulong";
    case JailParameter::Type::kString:
      return "string";
    case JailParameter::Type::kJailsys:
      return "jailsys";
    case JailParameter::Type::kIn4Addresses:
      return "in_addr";
    case JailParameter::Type::kIn6Addresses:
      return "in6_addr";
  }
  return "int";
}

Result<std::vector<JailParameter>> list_jail_parameters() {
  std::array<int, CTL_MAXNAME> root{};
  std::size_t depth = root.size();
  if (::sysctlnametomib("security.jail.param", root.data(), &depth) != 0)
    return last_error(kStep, "sysctl", "security.jail.param");
  const Oid top(root.begin(), root.begin() + static_cast<std::ptrdiff_t>(depth));

  std::vector<JailParameter> parameters;
  // One that was missed would be a permission that stays on, so that what cannot be read is an error.
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
    const auto type = type_of(kind, format->data() + sizeof(kind));
    std::string text = name->data();
    if (!type || !text.starts_with(kPrefix)) continue;
    text.erase(0, kPrefix.size());
    // A parameter that has others below it is listed as `ip4.` (sys/jail.h, SYSCTL_JAIL_PARAM_SYS_NODE).
    if (text.ends_with('.')) text.pop_back();
    parameters.push_back({*type, std::move(text)});
  }
}

Result<std::vector<JailParameter>> measured_jail_parameters() {
  auto parameters = list_jail_parameters();
  if (!parameters) return parameters;
  for (JailParameter& parameter : *parameters) {
    if (parameter.type != JailParameter::Type::kString) continue;
    // jail_set(2) refuses what is too long all the same.
    const auto bytes = longest_text(parameter.name);
    if (bytes) parameter.longest = *bytes;
  }
  return parameters;
}

Result<std::vector<std::pair<std::string, ParameterValue>>> get_jail(int jid) {
  const auto parameters = list_jail_parameters();
  if (!parameters) return parameters.error();
  std::vector<std::pair<std::string, ParameterValue>> values;
  for (const auto& parameter : *parameters) {
    auto value = get_one(jid, parameter);
    if (value)
      values.emplace_back(parameter.name, std::move(*value));
    else if (!is_of_no_jail(value.error()))
      return std::move(value.error());
  }
  return values;
}

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
