#include <sys/param.h>
#include <sys/cpuset.h>
#include <sys/jail.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "binding/freebsd_calls.h"
#include "binding/to_js.h"
#include "freebsd/any_jail.h"
#include "freebsd/jail_parameters.h"
#include "freebsd/jails.h"

namespace buildjail {

namespace {

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

Napi::Value call_jail(const Napi::CallbackInfo& info, const JailCall& call) {
  auto work = [parameters = iovecs_from_js(info[0]), flags = int_at(info, 1), call]() mutable -> Result<JailAnswer> {
    const int jid = call.function(parameters.data(), parameters.size(), flags);
    if (jid >= 0) return JailAnswer{jid, std::move(parameters)};
    return parameters.error(call.name, call.name);
  };
  return answer(info, std::move(work), jail_answer_to_js);
}

Napi::Value jail_set_call(const Napi::CallbackInfo& info) { return call_jail(info, kJailSet); }
Napi::Value jail_get_call(const Napi::CallbackInfo& info) { return call_jail(info, kJailGet); }

/** Of `jailOpen`: the descriptor is JavaScript's from here on. */
Napi::Value opened_to_js(Napi::Env env, OpenedJail& opened) {
  return object_to_js(env, Member{"jid", opened.jid}, Member{"descriptor", opened.descriptor.release()});
}

Napi::Value jail_open_call(const Napi::CallbackInfo& info) {
  const JailCall& call = info[0].As<Napi::String>().Utf8Value() == "jail_set" ? kJailSet : kJailGet;
  // The first pair is `desc`.
  auto work = [call, parameters = iovecs_from_js(info[1]), flags = int_at(info, 2)]() mutable {
    return open_jail(call, parameters, 0, flags);
  };
  return answer(info, std::move(work), opened_to_js);
}

Napi::Value jail_remove_call(const Napi::CallbackInfo& info) {
  return answer(info, [jid = int_at(info, 0)]() -> Status {
    return ::jail_remove(jid) == 0 ? Status() : last_error("jail_remove", "jail_remove");
  });
}

Napi::Value jail_remove_by_call(const Napi::CallbackInfo& info) {
  return answer(info, [descriptor = int_at(info, 0)] { return remove_jail_by(descriptor); });
}

Napi::Value parameter_to_js(Napi::Env env, const JailParameter& parameter) {
  const auto longest = parameter.longest == 0 ? std::nullopt : std::optional(parameter.longest);
  return object_to_js(env, Member{"name", parameter.name}, Member{"type", type_name(parameter.type)},
                      Member{"longest", longest});
}

Napi::Value jail_parameters_call(const Napi::CallbackInfo& info) {
  return answer(info, measured_jail_parameters, [](Napi::Env env, const std::vector<JailParameter>& parameters) {
    return list_to_js(env, parameters, parameter_to_js);
  });
}

using Processors = std::vector<int>;

Napi::Value processors_of_jail_call(const Napi::CallbackInfo& info) {
  auto work = [jid = int_at(info, 0)]() -> Result<Processors> {
    cpuset_t set{};
    if (::cpuset_getaffinity(CPU_LEVEL_WHICH, CPU_WHICH_JAIL, jid, sizeof(set), &set) != 0)
      return last_error("cpuset", "cpuset_getaffinity");
    Processors processors;
    for (int one = 0; one < CPU_SETSIZE; ++one) {
      if (CPU_ISSET(one, &set)) processors.push_back(one);
    }
    return processors;
  };
  return answer(info, std::move(work),
                [](Napi::Env env, const Processors& processors) { return list_to_js(env, processors); });
}

Napi::Value set_processors_of_jail_call(const Napi::CallbackInfo& info) {
  cpuset_t set{};
  const auto list = info[1].As<Napi::Array>();
  for (std::uint32_t i = 0; i < list.Length(); ++i)
    CPU_SET(static_cast<Napi::Value>(list[i]).As<Napi::Number>().Int32Value(), &set);
  return answer(info, [jid = int_at(info, 0), set]() -> Status {
    return ::cpuset_setaffinity(CPU_LEVEL_WHICH, CPU_WHICH_JAIL, jid, sizeof(set), &set) == 0
               ? Status()
               : last_error("cpuset", "cpuset_setaffinity");
  });
}

}  // namespace

void add_jail_calls(Napi::Env env, Napi::Object& calls) {
  calls.Set("jailSet", Napi::Function::New<jail_set_call>(env, "jailSet"));
  calls.Set("jailGet", Napi::Function::New<jail_get_call>(env, "jailGet"));
  calls.Set("jailOpen", Napi::Function::New<jail_open_call>(env, "jailOpen"));
  calls.Set("jailRemove", Napi::Function::New<jail_remove_call>(env, "jailRemove"));
  calls.Set("jailRemoveBy", Napi::Function::New<jail_remove_by_call>(env, "jailRemoveBy"));
  calls.Set("jailParameters", Napi::Function::New<jail_parameters_call>(env, "jailParameters"));
  calls.Set("processorsOfJail", Napi::Function::New<processors_of_jail_call>(env, "processorsOfJail"));
  calls.Set("setProcessorsOfJail", Napi::Function::New<set_processors_of_jail_call>(env, "setProcessorsOfJail"));
}

}  // namespace buildjail
