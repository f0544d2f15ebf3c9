#include <sys/param.h>
#include <sys/conf.h>
#include <sys/mount.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "binding/freebsd_calls.h"
#include "binding/to_js.h"
#include "freebsd/devfs.h"
#include "freebsd/mounts.h"

namespace buildjail {

IovecList Reader<IovecList>::read(const Napi::Value& value, const Place& place) {
  // UIO_MAXIOV of sys/uio.h bounds both calls; one pair is ours.
  constexpr std::size_t kMostPairs = 1024 / 2 - 1;
  IovecList list;
  list_from_js(value, place, kMostPairs, [&list](const Napi::Value& one, const Place& at) {
    const auto pair = array_from_js(one, at, 2, 2);
    const std::string name = text_from_js(pair.Get(0U), at);
    // The kernel writes into it, and takes the last of two options with one name (vfs_sanitizeopts).
    // defence: explanation-kernel-own-memory
    if (name == "errmsg") refuse(one.Env(), {.call = at.call, .name = name}, "is the place of the kernel's words");
    const Napi::Value content = pair.Get(1U);
    if (content.IsNull()) {
      list.add_flag(name);
    } else {
      list.add_bytes(name, bytes_from_js(content, {.call = at.call, .name = name}));
    }
    return one;
  });
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

/** The numbers that a condition or an action of a rule may have. */
struct Bounds {
  std::int64_t least;
  std::int64_t most;
};

/**
 * Calls `each` with every number that a rule may have: its name, the set of what the rule has, its bit, its member, its
 * bounds.
 */
template <class Rule, class Each>
void each_number(Rule& rule, Each each) {
  constexpr Bounds kKinds{.least = 0, .most = D_TAPE | D_DISK | D_TTY | D_MEM};
  constexpr Bounds kIds{.least = 0, .most = std::numeric_limits<uid_t>::max() - 1};
  constexpr Bounds kModes{.least = 0, .most = 07777};
  constexpr Bounds kRulesets{.least = 1, .most = std::numeric_limits<devfs_rsnum>::max()};
  each("kinds", rule.dr_icond, DRC_DSWFLAGS, rule.dr_dswflags, kKinds);
  each("uid", rule.dr_iacts, DRA_UID, rule.dr_uid, kIds);
  each("gid", rule.dr_iacts, DRA_GID, rule.dr_gid, kIds);
  each("mode", rule.dr_iacts, DRA_MODE, rule.dr_mode, kModes);
  each("include", rule.dr_iacts, DRA_INCSET, rule.dr_incset, kRulesets);
}

Napi::Value rule_to_js(Napi::Env env, const devfs_rule& rule) {
  auto object = Napi::Object::New(env);
  object.Set("number", number_of(rule));
  if ((rule.dr_icond & DRC_PATHPTRN) != 0) object.Set("path", rule.dr_pathptrn);
  if ((rule.dr_iacts & DRA_BACTS) != 0) object.Set("isShown", (rule.dr_bacts & DRB_UNHIDE) != 0);
  each_number(rule, [&object](const char* name, auto had, auto bit, auto value, const Bounds&) {
    if ((had & bit) != 0) object.Set(name, value);
  });
  return object;
}

Result<int> add_rule(RulesetNumber ruleset, devfs_rule& rule) {
  rule.dr_id = empty_rule(ruleset, number_of(rule)).dr_id;
  return on_devfs(kDev, [&rule](int dev) -> Result<int> {
    auto status = call_devfs(dev, DEVFSIO_RADD, rule);
    if (!status) return std::move(status.error());
    return number_of(rule);
  });
}

Result<std::vector<devfs_rule>> list_rules(RulesetNumber ruleset) {
  return on_devfs(kDev, [ruleset](int dev) { return devfs_rules(dev, ruleset); });
}

Status remove_rule(RulesetNumber ruleset, RuleNumber number) {
  devfs_rid id = empty_rule(ruleset, number).dr_id;
  return on_devfs(kDev, [&id](int dev) { return call_devfs(dev, DEVFSIO_RDEL, id); });
}

/** Once, or from now on as well. */
Status apply_rules(RulesetNumber ruleset, const std::string& path, bool is_lasting) {
  auto number = static_cast<devfs_rsnum>(ruleset.value);
  auto status =
      on_devfs(path, [&](int dev) { return call_devfs(dev, is_lasting ? DEVFSIO_SUSE : DEVFSIO_SAPPLY, number); });
  if (!status) status.error().path = path;
  return status;
}

Status mount(IovecList& options, Flags flags) { return nmount_options(options, flags, "nmount", {}); }
Status unmount(const std::string& target, Flags flags) { return unmount_target(target, flags); }

}  // namespace

/** NativeDevfsRule. A missing member is neither a condition nor an action. */
template <>
struct Reader<devfs_rule> {
  static devfs_rule read(const Napi::Value& value, const Place& place) {
    const Members members(value, place);
    const auto number = members.read_if_any<RuleNumber>("number");
    devfs_rule rule = empty_rule(0, number ? number->value : 0);
    if (const auto path = members.read_if_any<std::string>("path")) {
      if (path->size() >= sizeof(rule.dr_pathptrn)) refuse(value.Env(), members.at("path"), "has more than 199 bytes");
      rule.dr_icond |= DRC_PATHPTRN;
      path->copy(rule.dr_pathptrn, sizeof(rule.dr_pathptrn) - 1);
    }
    if (const auto is_shown = members.read_if_any<bool>("isShown")) {
      rule.dr_iacts |= DRA_BACTS;
      rule.dr_bacts = *is_shown ? DRB_UNHIDE : DRB_HIDE;
    }
    each_number(rule, [&](const char* name, auto& had, auto bit, auto& into, const Bounds& bounds) {
      const Napi::Value given = members.get(name);
      if (given.IsUndefined()) return;
      had |= bit;
      into = static_cast<std::remove_reference_t<decltype(into)>>(
          whole_number_from_js(given, members.at(name), bounds.least, bounds.most));
    });
    return rule;
  }
};

void export_system_calls(Napi::Env env, Napi::Object exports) {
  auto calls = Napi::Object::New(env);
  add_jail_calls(calls);
  add(calls, {"nmount", "nmount", {"options", "flags"}}, mount);
  add(calls, {"unmount", "unmount", {"target", "flags"}}, unmount);
  add(calls, {"mountTable", "getfsstat", {}}, mount_table, each_to_js(mount_to_js));
  add(calls, {"statfs", "statfs", {"path"}}, file_system_at, statfs_to_js);
  add(calls, {"devfsAdd", "ioctl", {"ruleset", "rule"}}, add_rule);
  add(calls, {"devfsList", "ioctl", {"ruleset"}}, list_rules, each_to_js(rule_to_js));
  add(calls, {"devfsRemove", "ioctl", {"ruleset", "number"}}, remove_rule);
  add(calls, {"devfsApply", "ioctl", {"ruleset", "path", "isLasting"}}, apply_rules);
  add_kernel_calls(calls);
  exports.Set("freebsd", calls);
  auto events = Napi::Object::New(env);
  add_event_calls(events);
  exports.Set("freebsdEvents", events);
}

}  // namespace buildjail
