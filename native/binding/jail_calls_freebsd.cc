#include <sys/param.h>
#include <sys/cpuset.h>
#include <sys/jail.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "binding/freebsd_calls.h"
#include "freebsd/child.h"
#include "freebsd/jail_parameters.h"
#include "freebsd/jails.h"

namespace buildjail {

namespace {

/** jail_set(2) or jail_get(2). */
struct JailCall {
  int (*function)(iovec*, unsigned, int);
  const char* name;
};

constexpr JailCall kJailSet{.function = ::jail_set, .name = "jail_set"};
constexpr JailCall kJailGet{.function = ::jail_get, .name = "jail_get"};

struct JailAnswer {
  int jid;
  IovecList parameters;
};

Napi::Value jail_answer_to_js(Napi::Env env, JailAnswer& answer) {
  auto& [jid, parameters] = answer;
  auto values = Napi::Array::New(env);
  auto sizes = Napi::Array::New(env);
  for (std::uint32_t i = 0; i * 2 < parameters.size(); ++i) {
    const auto bytes = parameters.value(i);
    values.Set(i, Napi::Buffer<std::byte>::Copy(env, bytes.data(), bytes.size()));
    sizes.Set(i, static_cast<double>(parameters.data()[i * 2 + 1].iov_len));
  }
  return object_to_js(env, Member{"jid", jid}, Member{"values", values}, Member{"sizes", sizes});
}

template <const JailCall& kCall>
Result<JailAnswer> call_jail(IovecList& parameters, Flags flags) {
  const int jid = parameters.call(kCall.function, flags);
  if (jid >= 0) return JailAnswer{jid, std::move(parameters)};
  return parameters.error(kCall.name, kCall.name);
}

// JAIL_OWN_DESC of 15.0 (jail(2)), which the headers of 14 lack.
constexpr int kJailOwnDesc = 0x80;

struct OpenedJail {
  int jid;
  UniqueFd descriptor;
};

/**
 * Makes the call with JAIL_GET_DESC or JAIL_OWN_DESC among its `flags`. The first of the options is the int `desc`.
 *
 * The kernel makes the descriptor without close-on-exec, and a program that inherits it may change, enter and remove
 * the jail. So a child with a descriptor table of its own makes the call: this process never has it without
 * close-on-exec.
 */
Result<OpenedJail> open_jail(const std::string& name, IovecList& options, Flags flags) {
  const JailCall& call = name == kJailSet.name ? kJailSet : kJailGet;
  if (options.value(0).size() != sizeof(int)) return SysError{.step = "check", .syscall = call.name, .err = EINVAL};
  int jid = -1;
  auto descriptor = opened_in_child("jail-desc", [&](int, int& opened) -> const char* {
    jid = options.call(call.function, flags);
    if (jid < 0) return call.name;
    opened = options.number(0);
    return nullptr;
  });
  if (descriptor) return OpenedJail{.jid = jid, .descriptor = std::move(*descriptor)};
  if (descriptor.error().syscall == call.name) {
    descriptor.error().step = call.name;
    descriptor.error().detail = options.errmsg();
  }
  // The jail was made, and its descriptor found no room here. A descriptor that owns has removed the jail.
  if (jid >= 0 && (flags & (JAIL_CREATE | kJailOwnDesc)) == JAIL_CREATE) static_cast<void>(::jail_remove(jid));
  return std::move(descriptor.error());
}

/** The descriptor belongs to JavaScript from here on. */
Napi::Value opened_to_js(Napi::Env env, OpenedJail& opened) {
  return object_to_js(env, Member{"jid", opened.jid}, Member{"descriptor", opened.descriptor.release()});
}

Status remove_jail(JailId jid) { return ::jail_remove(jid) == 0 ? Status() : last_error("jail_remove", "jail_remove"); }

Napi::Value parameter_to_js(Napi::Env env, const JailParameter& parameter) {
  const auto longest = parameter.longest == 0 ? std::nullopt : std::optional(parameter.longest);
  return object_to_js(env, Member{"name", parameter.name}, Member{"type", std::string(parameter.type)},
                      Member{"longest", longest});
}

Napi::Value processors_to_js(Napi::Env env, const cpuset_t& processors) {
  auto list = Napi::Array::New(env);
  for (int one = 0; one < CPU_SETSIZE; ++one) {
    if (CPU_ISSET(one, &processors)) list.Set(list.Length(), one);
  }
  return list;
}

}  // namespace

/** The set has CPU_SETSIZE bits, and CPU_SET(3) looks at no bound. */
using ProcessorNumber = Integer<int, 0, CPU_SETSIZE - 1>;

template <>
struct Reader<cpuset_t> {
  static cpuset_t read(const Napi::Value& value, const Place& place) {
    cpuset_t processors{};
    for (const int one : list_of<ProcessorNumber>(value, place, CPU_SETSIZE)) CPU_SET(one, &processors);
    return processors;
  }
};

namespace {

Status remove_by(JailDescriptor descriptor) { return remove_jail_by(descriptor); }
Result<cpuset_t> processors_of_jail(JailId jid) { return processors_of(jid); }
Status set_processors_of_jail(JailId jid, const cpuset_t& processors) { return set_processors_of(jid, processors); }

}  // namespace

void add_jail_calls(Napi::Object& calls) {
  add(calls, {"jailSet", "jail_set", {"parameters", "flags"}}, call_jail<kJailSet>, jail_answer_to_js);
  add(calls, {"jailGet", "jail_get", {"parameters", "flags"}}, call_jail<kJailGet>, jail_answer_to_js);
  add(calls, {"jailOpen", "jail_get", {"call", "parameters", "flags"}}, open_jail, opened_to_js);
  add(calls, {"jailRemove", "jail_remove", {"jid"}}, remove_jail);
  add(calls, {"jailRemoveBy", "jail_remove_jd", {"descriptor"}}, remove_by);
  add(calls, {"jailParameters", "sysctl", {}}, list_jail_parameters, each_to_js(parameter_to_js));
  add(calls, {"processorsOfJail", "cpuset_getaffinity", {"jid"}}, processors_of_jail, processors_to_js);
  add(calls, {"setProcessorsOfJail", "cpuset_setaffinity", {"jid", "processors"}}, set_processors_of_jail);
}

}  // namespace buildjail
