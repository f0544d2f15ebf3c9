#include <sys/param.h>
#include <sys/mount.h>

#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "binding/freebsd_calls.h"
#include "binding/to_js.h"
#include "freebsd/devfs.h"
#include "freebsd/mounts.h"

namespace buildjail {

template <>
IovecList argument(const Napi::Value& value) {
  const auto pairs = value.As<Napi::Array>();
  IovecList list;
  for (std::uint32_t i = 0; i < pairs.Length(); ++i) {
    const auto pair = static_cast<Napi::Value>(pairs[i]).As<Napi::Array>();
    const std::string name = static_cast<Napi::Value>(pair[0U]).As<Napi::String>().Utf8Value();
    const Napi::Value content = pair[1U];
    if (content.IsNull()) {
      list.add_flag(name);
    } else {
      const auto bytes = content.As<Napi::Uint8Array>();
      list.add_bytes(name, std::as_bytes(std::span(bytes.Data(), bytes.ByteLength())));
    }
  }
  list.add_errmsg();
  return list;
}

namespace {

Napi::Value statfs_to_js(Napi::Env env, const struct statfs& found) {
  auto object = Napi::Object::New(env);
  object.Set("type", found.f_fstypename);
  object.Set("from", found.f_mntfromname);
  object.Set("on", found.f_mntonname);
  object.Set("fsid", fsid_text(found.f_fsid));
  object.Set("flags", list_to_js(env, flag_words(found.f_flags)));
  object.Set("owner", found.f_owner);
  object.Set("longestName", found.f_namemax);
  const auto set = [&](const char* name, auto value) {
    object.Set(name, Napi::BigInt::New(env, static_cast<std::int64_t>(value)));
  };
  set("flagBits", found.f_flags);
  set("blockSize", found.f_bsize);
  set("transferSize", found.f_iosize);
  set("blocks", found.f_blocks);
  set("freeBlocks", found.f_bfree);
  // The reserve for root makes it negative on a full file system (statfs(2)).
  set("availableBlocks", found.f_bavail);
  set("files", found.f_files);
  set("freeFiles", found.f_ffree);
  return object;
}

Result<struct statfs> file_system_at(const std::string& path) {
  struct statfs found{};
  if (::statfs(path.c_str(), &found) != 0) return last_error("statfs", "statfs", path);
  return found;
}

constexpr const char* kDev = "/dev";

/** Runs `work` on the descriptor of a devfs. */
template <class Work>
auto on_devfs(const std::string& path, Work work) -> decltype(work(0)) {
  const auto dev = open_devfs(path);
  if (!dev) return dev.error();
  return work(dev->get());
}

/** Calls `each` with every number that a rule may have: its name, the set of what the rule has, its bit, its member. */
template <class Rule, class Each>
void each_number(Rule& rule, Each each) {
  each("kinds", rule.dr_icond, DRC_DSWFLAGS, rule.dr_dswflags);
  each("uid", rule.dr_iacts, DRA_UID, rule.dr_uid);
  each("gid", rule.dr_iacts, DRA_GID, rule.dr_gid);
  each("mode", rule.dr_iacts, DRA_MODE, rule.dr_mode);
  each("include", rule.dr_iacts, DRA_INCSET, rule.dr_incset);
}

Napi::Value rule_to_js(Napi::Env env, const devfs_rule& rule) {
  auto object = Napi::Object::New(env);
  object.Set("number", number_of(rule));
  if ((rule.dr_icond & DRC_PATHPTRN) != 0) object.Set("path", rule.dr_pathptrn);
  if ((rule.dr_iacts & DRA_BACTS) != 0) object.Set("isShown", (rule.dr_bacts & DRB_UNHIDE) != 0);
  each_number(rule, [&object](const char* name, auto had, auto bit, auto value) {
    if ((had & bit) != 0) object.Set(name, value);
  });
  return object;
}

Result<int> add_rule(int ruleset, devfs_rule& rule) {
  rule.dr_id = empty_rule(ruleset, number_of(rule)).dr_id;
  return on_devfs(kDev, [&rule](int dev) -> Result<int> {
    auto status = call_devfs(dev, DEVFSIO_RADD, rule);
    if (!status) return std::move(status.error());
    return number_of(rule);
  });
}

Result<std::vector<devfs_rule>> list_rules(int ruleset) {
  return on_devfs(kDev, [ruleset](int dev) { return devfs_rules(dev, ruleset); });
}

Status remove_rule(int ruleset, int number) {
  devfs_rid id = empty_rule(ruleset, number).dr_id;
  return on_devfs(kDev, [&id](int dev) { return call_devfs(dev, DEVFSIO_RDEL, id); });
}

/** Once, or from now on as well. */
Status apply_rules(int ruleset, const std::string& path, bool is_lasting) {
  auto number = static_cast<devfs_rsnum>(ruleset);
  return on_devfs(path, [&](int dev) { return call_devfs(dev, is_lasting ? DEVFSIO_SUSE : DEVFSIO_SAPPLY, number); });
}

Status mount(IovecList& options, int flags) { return nmount_options(options, flags, "nmount", {}); }

}  // namespace

/** NativeDevfsRule. What is not there is neither a condition nor an action. */
template <>
devfs_rule argument(const Napi::Value& value) {
  const auto object = value.As<Napi::Object>();
  const auto number_in = [&object](const char* name) { return object.Get(name).As<Napi::Number>().Uint32Value(); };
  devfs_rule rule = empty_rule(0, object.Has("number") ? static_cast<int>(number_in("number")) : 0);
  if (object.Has("path")) {
    rule.dr_icond |= DRC_PATHPTRN;
    object.Get("path").As<Napi::String>().Utf8Value().copy(rule.dr_pathptrn, sizeof(rule.dr_pathptrn) - 1);
  }
  if (object.Has("isShown")) {
    rule.dr_iacts |= DRA_BACTS;
    rule.dr_bacts = object.Get("isShown").As<Napi::Boolean>() ? DRB_UNHIDE : DRB_HIDE;
  }
  each_number(rule, [&](const char* name, auto& had, auto bit, auto& value) {
    if (!object.Has(name)) return;
    had |= bit;
    value = static_cast<std::remove_reference_t<decltype(value)>>(number_in(name));
  });
  return rule;
}

void export_system_calls(Napi::Env env, Napi::Object exports) {
  auto calls = Napi::Object::New(env);
  add_jail_calls(calls);
  add(calls, "nmount", mount);
  add(calls, "unmount", unmount_target);
  add(calls, "mountTable", mount_table, each_to_js(mount_to_js));
  add(calls, "statfs", file_system_at, statfs_to_js);
  add(calls, "devfsAdd", add_rule);
  add(calls, "devfsList", list_rules, each_to_js(rule_to_js));
  add(calls, "devfsRemove", remove_rule);
  add(calls, "devfsApply", apply_rules);
  add_kernel_calls(calls);
  exports.Set("freebsd", calls);
  auto events = Napi::Object::New(env);
  add_event_calls(events);
  exports.Set("freebsdEvents", events);
}

}  // namespace buildjail
