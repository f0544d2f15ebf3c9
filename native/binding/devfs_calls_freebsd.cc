#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "binding/freebsd_calls.h"
#include "binding/to_js.h"
#include "freebsd/devfs.h"

namespace buildjail {

namespace {

constexpr const char* kDev = "/dev";

/** Runs `work` on the descriptor of a devfs. */
template <class Work>
auto on_devfs(const std::string& path, Work work) -> decltype(work(0)) {
  const auto dev = open_devfs(path);
  if (!dev) return dev.error();
  return work(dev->get());
}

std::uint32_t number_in(const Napi::Object& object, const char* name) {
  return object.Get(name).As<Napi::Number>().Uint32Value();
}

/** NativeDevfsRule. What is not there is neither a condition nor an action. */
devfs_rule rule_from_js(int ruleset, const Napi::Object& object) {
  devfs_rule rule = empty_rule(ruleset, object.Has("number") ? static_cast<int>(number_in(object, "number")) : 0);
  const auto has = [&object](const char* name) { return object.Has(name); };
  if (has("path")) {
    rule.dr_icond |= DRC_PATHPTRN;
    object.Get("path").As<Napi::String>().Utf8Value().copy(rule.dr_pathptrn, sizeof(rule.dr_pathptrn) - 1);
  }
  if (has("kinds")) {
    rule.dr_icond |= DRC_DSWFLAGS;
    rule.dr_dswflags = static_cast<int>(number_in(object, "kinds"));
  }
  if (has("isShown")) {
    rule.dr_iacts |= DRA_BACTS;
    rule.dr_bacts = object.Get("isShown").As<Napi::Boolean>() ? DRB_UNHIDE : DRB_HIDE;
  }
  if (has("uid")) {
    rule.dr_iacts |= DRA_UID;
    rule.dr_uid = number_in(object, "uid");
  }
  if (has("gid")) {
    rule.dr_iacts |= DRA_GID;
    rule.dr_gid = number_in(object, "gid");
  }
  if (has("mode")) {
    rule.dr_iacts |= DRA_MODE;
    rule.dr_mode = static_cast<mode_t>(number_in(object, "mode"));
  }
  if (has("include")) {
    rule.dr_iacts |= DRA_INCSET;
    rule.dr_incset = static_cast<devfs_rsnum>(number_in(object, "include"));
  }
  return rule;
}

Napi::Value rule_to_js(Napi::Env env, const devfs_rule& rule) {
  auto object = Napi::Object::New(env);
  object.Set("number", number_of(rule));
  if ((rule.dr_icond & DRC_PATHPTRN) != 0) object.Set("path", rule.dr_pathptrn);
  if ((rule.dr_icond & DRC_DSWFLAGS) != 0) object.Set("kinds", rule.dr_dswflags);
  if ((rule.dr_iacts & DRA_BACTS) != 0) object.Set("isShown", (rule.dr_bacts & DRB_UNHIDE) != 0);
  if ((rule.dr_iacts & DRA_UID) != 0) object.Set("uid", rule.dr_uid);
  if ((rule.dr_iacts & DRA_GID) != 0) object.Set("gid", rule.dr_gid);
  if ((rule.dr_iacts & DRA_MODE) != 0) object.Set("mode", rule.dr_mode);
  if ((rule.dr_iacts & DRA_INCSET) != 0) object.Set("include", rule.dr_incset);
  return object;
}

Napi::Value add_call(const Napi::CallbackInfo& info) {
  auto work = [rule = rule_from_js(int_at(info, 0), info[1].As<Napi::Object>())]() mutable {
    return on_devfs(kDev, [&rule](int dev) -> Result<int> {
      auto status = add_devfs_rule(dev, rule);
      if (!status) return std::move(status.error());
      return number_of(rule);
    });
  };
  return answer(info, std::move(work));
}

Napi::Value list_call(const Napi::CallbackInfo& info) {
  using Rules = std::vector<devfs_rule>;
  auto work = [ruleset = int_at(info, 0)] {
    return on_devfs(kDev, [ruleset](int dev) -> Result<Rules> {
      Rules rules;
      for (int number = 0;; number = number_of(rules.back())) {
        const auto next = next_devfs_rule(dev, ruleset, number);
        if (!next) return next.error();
        if (!*next) return rules;
        rules.push_back(**next);
      }
    });
  };
  return answer(info, std::move(work),
                [](Napi::Env env, const Rules& rules) { return list_to_js(env, rules, rule_to_js); });
}

Napi::Value remove_call(const Napi::CallbackInfo& info) {
  return answer(info, [ruleset = int_at(info, 0), number = int_at(info, 1)] {
    return on_devfs(kDev, [=](int dev) { return remove_devfs_rule(dev, ruleset, number); });
  });
}

/** Once, or from now on as well. */
Napi::Value apply_call(const Napi::CallbackInfo& info) {
  const bool is_lasting = info[2].As<Napi::Boolean>();
  return answer(info, [ruleset = int_at(info, 0), path = string_at(info, 1), is_lasting] {
    return on_devfs(path, [=](int dev) {
      return is_lasting ? use_devfs_ruleset(dev, ruleset) : apply_devfs_ruleset(dev, ruleset);
    });
  });
}

}  // namespace

void add_devfs_calls(Napi::Env env, Napi::Object& calls) {
  calls.Set("devfsAdd", Napi::Function::New<add_call>(env, "devfsAdd"));
  calls.Set("devfsList", Napi::Function::New<list_call>(env, "devfsList"));
  calls.Set("devfsRemove", Napi::Function::New<remove_call>(env, "devfsRemove"));
  calls.Set("devfsApply", Napi::Function::New<apply_call>(env, "devfsApply"));
}

}  // namespace buildjail
