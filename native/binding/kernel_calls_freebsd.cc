#include <sys/param.h>
#include <sys/linker.h>
#include <sys/module.h>
#include <sys/mount.h>

#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "binding/freebsd_calls.h"
#include "freebsd/jail_parameters.h"
#include "freebsd/limits.h"
#include "freebsd/networks.h"

namespace buildjail {

namespace {

/** Of 14.0 (nullfs(5)): a file, too, can be mounted; the flag of sys/mount.h is spelled out, as older headers lack it.
 */
constexpr int kCanMountFiles = 0x02000000;

struct Kernel {
  int osreldate;
  JailAbilities jails;
  bool counts_resources;
  /** Empty if no such module is loaded. */
  std::optional<bool> nullfs_takes_files;
};

Result<Kernel> look_at_kernel() {
  auto jails = JailAbilities::find();
  if (!jails) return std::move(jails.error());
  const auto is_counting = counts_resources();
  if (!is_counting) return is_counting.error();
  xvfsconf nullfs{};
  std::optional<bool> nullfs_takes_files;
  if (::getvfsbyname("nullfs", &nullfs) == 0) nullfs_takes_files = (nullfs.vfc_flags & kCanMountFiles) != 0;
  return Kernel{.osreldate = ::getosreldate(),
                .jails = std::move(*jails),
                .counts_resources = *is_counting,
                .nullfs_takes_files = nullfs_takes_files};
}

Napi::Value kernel_to_js(Napi::Env env, const Kernel& kernel) {
  return object_to_js(env, Member{"osreldate", kernel.osreldate},
                      Member{"jailDescriptors", kernel.jails.has_descriptors},
                      Member{"jailMetadata", kernel.jails.knows("meta")}, Member{"vnet", kernel.jails.knows("vnet")},
                      Member{"rctl", kernel.counts_resources}, Member{"nullfsFiles", kernel.nullfs_takes_files});
}

/** A file, with or without `.ko`, or a module that is a part of another file, as of the kernel itself (kld(4)). */
bool is_loaded(const std::string& name) {
  const std::string module = name.ends_with(".ko") ? name.substr(0, name.size() - 3) : name;
  return ::kldfind(name.c_str()) >= 0 || ::modfind(module.c_str()) >= 0;
}

Napi::Value is_loaded_call(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), is_loaded(text_from_js(info[0], {.call = "kldfind", .name = "name"})));
}

Status load(const std::string& name) {
  // A module that the kernel was built with has no file to load.
  if (is_loaded(name)) return {};
  // EEXIST: another program has loaded it by now (kldload(2)).
  return ::kldload(name.c_str()) >= 0 || errno == EEXIST ? Status() : last_error("kldload", "kldload", name);
}

Status lend_interface(const std::string& name, JailId jid) {
  auto status = move_interface(name, jid, Moving::kIn);
  if (!status) status.error().step = "interface";
  return status;
}

Status reclaim_interface(const std::string& name, JailId jid) {
  // Otherwise the kernel would have two interfaces of that name here.
  if (find_interface(name))
    return SysError{.step = "check",
                    .syscall = "ioctl",
                    .err = EEXIST,
                    .path = name,
                    .detail = "there is an interface of that name here"};
  auto status = move_interface(name, jid, Moving::kBack);
  if (!status) status.error().step = "interface";
  return status;
}

Napi::Value rctl_usage_to_js(Napi::Env env, const RctlUsage& usage) {
  auto object = Napi::Object::New(env);
  for (const auto& [resource, amount] : usage) object.Set(resource, Napi::BigInt::New(env, amount));
  return object;
}

}  // namespace

void add_kernel_calls(Napi::Object& calls) {
  add(calls, {"kernel", "sysctl", {}}, look_at_kernel, kernel_to_js);
  calls.Set("isLoaded", Napi::Function::New<is_loaded_call>(calls.Env(), "isLoaded"));
  add(calls, {"load", "kldload", {"name"}}, load);
  add(calls, {"interfaceCreate", "ioctl", {"name"}}, create_interface);
  add(calls, {"interfaceDestroy", "ioctl", {"name"}}, destroy_interface);
  add(calls, {"interfaceLend", "ioctl", {"name", "jid"}}, lend_interface);
  add(calls, {"interfaceReclaim", "ioctl", {"name", "jid"}}, reclaim_interface);
  add(calls, {"rctlAdd", "rctl_add_rule", {"rule"}}, rctl_add);
  add(calls, {"rctlRemove", "rctl_remove_rule", {"filter"}}, rctl_remove);
  add(calls, {"rctlRules", "rctl_get_rules", {"filter"}}, rctl_rules);
  add(calls, {"rctlUsage", "rctl_get_racct", {"subject"}}, rctl_usage, rctl_usage_to_js);
}

}  // namespace buildjail
