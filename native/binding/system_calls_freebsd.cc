#include <sys/param.h>
#include <sys/jail.h>
#include <sys/mount.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "binding/pool_promise.h"
#include "binding/system_calls.h"
#include "binding/to_js.h"
#include "freebsd/iovec_list.h"
#include "freebsd/jail_parameters.h"
#include "freebsd/mounts.h"

namespace buildjail {

namespace {

struct JailAnswer {
  int jid;
  IovecList parameters;
};

/** Pairs of a name and bytes, or null; with a place for the kernel's explanation, unless the caller brought one. */
IovecList parameters_from_js(const Napi::Value& value) {
  const auto pairs = value.As<Napi::Array>();
  IovecList list;
  bool has_errmsg = false;
  for (std::uint32_t i = 0; i < pairs.Length(); ++i) {
    const auto pair = static_cast<Napi::Value>(pairs[i]).As<Napi::Array>();
    const std::string name = static_cast<Napi::Value>(pair[0U]).As<Napi::String>().Utf8Value();
    const Napi::Value content = pair[1U];
    has_errmsg |= name == "errmsg";
    if (content.IsNull()) {
      list.add_flag(name);
    } else {
      const auto bytes = content.As<Napi::Uint8Array>();
      list.add_bytes(name, std::as_bytes(std::span(bytes.Data(), bytes.ByteLength())));
    }
  }
  if (!has_errmsg) list.add_errmsg();
  return list;
}

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

using JailCall = int (*)(iovec*, unsigned, int);

Napi::Value call_jail(const Napi::CallbackInfo& info, JailCall call, const char* name) {
  auto work = [parameters = parameters_from_js(info[0]), flags = info[1].As<Napi::Number>().Int32Value(), call,
               name]() mutable -> Result<JailAnswer> {
    const int jid = call(parameters.data(), parameters.size(), flags);
    if (jid >= 0) return JailAnswer{jid, std::move(parameters)};
    auto error = last_error(name, name);
    error.detail = parameters.errmsg();
    return error;
  };
  return run_on_worker<JailAnswer>(info.Env(), std::move(work), jail_answer_to_js);
}

Napi::Value jail_set_call(const Napi::CallbackInfo& info) { return call_jail(info, ::jail_set, "jail_set"); }
Napi::Value jail_get_call(const Napi::CallbackInfo& info) { return call_jail(info, ::jail_get, "jail_get"); }

Napi::Value nothing(Napi::Env env, const Status&) { return env.Undefined(); }

Napi::Value jail_remove_call(const Napi::CallbackInfo& info) {
  auto work = [jid = info[0].As<Napi::Number>().Int32Value()]() -> Status {
    if (::jail_remove(jid) != 0) return last_error("jail_remove", "jail_remove");
    return {};
  };
  return run_on_worker<void>(info.Env(), std::move(work), nothing);
}

Napi::Value nmount_call(const Napi::CallbackInfo& info) {
  auto work = [options = parameters_from_js(info[0]), flags = info[1].As<Napi::Number>().Int32Value()]() mutable {
    return nmount_options(options, flags, "nmount", {});
  };
  return run_on_worker<void>(info.Env(), std::move(work), nothing);
}

Napi::Value unmount_call(const Napi::CallbackInfo& info) {
  auto work = [target = info[0].As<Napi::String>().Utf8Value(), flags = info[1].As<Napi::Number>().Int32Value()] {
    return unmount_target(target, flags);
  };
  return run_on_worker<void>(info.Env(), std::move(work), nothing);
}

Napi::Value mount_table_call(const Napi::CallbackInfo& info) {
  return run_on_worker<std::vector<MountEntry>>(info.Env(), mount_table,
                                                [](Napi::Env env, const auto& table) -> Napi::Value {
                                                  return table ? mounts_to_js(env, *table) : env.Undefined();
                                                });
}

Napi::Value jail_parameters_call(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto parameters = list_jail_parameters();
  if (!parameters) throw Napi::Error(env, error_to_js(env, parameters.error()));
  auto list = Napi::Array::New(env, parameters->size());
  std::uint32_t index = 0;
  for (const auto& parameter : *parameters) {
    auto object = Napi::Object::New(env);
    object.Set("name", parameter.name);
    object.Set("type", type_name(parameter.type));
    list.Set(index++, object);
  }
  return list;
}

}  // namespace

void export_system_calls(Napi::Env env, Napi::Object exports) {
  auto calls = Napi::Object::New(env);
  calls.Set("jailSet", Napi::Function::New<jail_set_call>(env, "jailSet"));
  calls.Set("jailGet", Napi::Function::New<jail_get_call>(env, "jailGet"));
  calls.Set("jailRemove", Napi::Function::New<jail_remove_call>(env, "jailRemove"));
  calls.Set("jailParameters", Napi::Function::New<jail_parameters_call>(env, "jailParameters"));
  calls.Set("nmount", Napi::Function::New<nmount_call>(env, "nmount"));
  calls.Set("unmount", Napi::Function::New<unmount_call>(env, "unmount"));
  calls.Set("mountTable", Napi::Function::New<mount_table_call>(env, "mountTable"));
  exports.Set("freebsd", calls);
}

}  // namespace buildjail
