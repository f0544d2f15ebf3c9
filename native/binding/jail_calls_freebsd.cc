#include <sys/param.h>
#include <sys/cpuset.h>
#include <sys/jail.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "binding/freebsd_calls.h"
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

Napi::Value jail_answer_to_js(Napi::Env env, Result<JailAnswer>& answer) {
  if (!answer) return env.Undefined();
  auto& [jid, parameters] = *answer;
  auto object = Napi::Object::New(env);
  auto values = Napi::Array::New(env);
  auto sizes = Napi::Array::New(env);
  for (std::uint32_t i = 0; i * 2 < parameters.size(); ++i) {
    const auto bytes = parameters.value(i);
    values.Set(i, Napi::Buffer<std::byte>::Copy(env, bytes.data(), bytes.size()));
    sizes.Set(i, static_cast<double>(parameters.data()[i * 2 + 1].iov_len));
  }
  object.Set("jid", jid);
  object.Set("values", values);
  object.Set("sizes", sizes);
  return object;
}

Napi::Value call_jail(const Napi::CallbackInfo& info, const JailCall& call) {
  auto work = [parameters = iovecs_from_js(info[0]), flags = int_at(info, 1), call]() mutable -> Result<JailAnswer> {
    const int jid = call.function(parameters.data(), parameters.size(), flags);
    if (jid >= 0) return JailAnswer{jid, std::move(parameters)};
    return parameters.error(call.name, call.name);
  };
  return answer<JailAnswer>(info, std::move(work), jail_answer_to_js);
}

Napi::Value jail_set_call(const Napi::CallbackInfo& info) { return call_jail(info, kJailSet); }
Napi::Value jail_get_call(const Napi::CallbackInfo& info) { return call_jail(info, kJailGet); }

/** Of `jailOpen`: the descriptor is JavaScript's from here on. */
Napi::Value opened_to_js(Napi::Env env, Result<OpenedJail>& opened) {
  if (!opened) return env.Undefined();
  auto object = Napi::Object::New(env);
  object.Set("jid", opened->jid);
  object.Set("descriptor", opened->descriptor.release());
  return object;
}

Napi::Value jail_open_call(const Napi::CallbackInfo& info) {
  const JailCall& call = info[0].As<Napi::String>().Utf8Value() == "jail_set" ? kJailSet : kJailGet;
  // The first pair is `desc`.
  auto work = [call, parameters = iovecs_from_js(info[1]), flags = int_at(info, 2)]() mutable {
    return open_jail(call, parameters, 0, flags);
  };
  return answer<OpenedJail>(info, std::move(work), opened_to_js);
}

Napi::Value jail_remove_call(const Napi::CallbackInfo& info) {
  return answer_nothing(info, [jid = int_at(info, 0)]() -> Status {
    return ::jail_remove(jid) == 0 ? Status() : last_error("jail_remove", "jail_remove");
  });
}

Napi::Value jail_remove_by_call(const Napi::CallbackInfo& info) {
  return answer_nothing(info, [descriptor = int_at(info, 0)] { return remove_jail_by(descriptor); });
}

Napi::Value parameters_to_js(Napi::Env env, const Result<std::vector<JailParameter>>& parameters) {
  if (!parameters) return env.Undefined();
  auto list = Napi::Array::New(env, parameters->size());
  std::uint32_t index = 0;
  for (const auto& parameter : *parameters) {
    auto object = Napi::Object::New(env);
    object.Set("name", parameter.name);
    object.Set("type", type_name(parameter.type));
    if (parameter.longest != 0) object.Set("longest", static_cast<double>(parameter.longest));
    list.Set(index++, object);
  }
  return list;
}

Napi::Value jail_parameters_call(const Napi::CallbackInfo& info) {
  return answer<std::vector<JailParameter>>(info, measured_jail_parameters, parameters_to_js);
}

using Processors = std::vector<int>;

Napi::Value processors_to_js(Napi::Env env, const Result<Processors>& processors) {
  if (!processors) return env.Undefined();
  auto list = Napi::Array::New(env, processors->size());
  std::uint32_t index = 0;
  for (const int one : *processors) list.Set(index++, one);
  return list;
}

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
  return answer<Processors>(info, std::move(work), processors_to_js);
}

Napi::Value set_processors_of_jail_call(const Napi::CallbackInfo& info) {
  cpuset_t set{};
  const auto list = info[1].As<Napi::Array>();
  for (std::uint32_t i = 0; i < list.Length(); ++i)
    CPU_SET(static_cast<Napi::Value>(list[i]).As<Napi::Number>().Int32Value(), &set);
  return answer_nothing(info, [jid = int_at(info, 0), set]() -> Status {
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
