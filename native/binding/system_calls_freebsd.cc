#include <sys/param.h>
#include <sys/mount.h>

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "binding/freebsd_calls.h"
#include "binding/to_js.h"
#include "freebsd/mounts.h"

namespace buildjail {

IovecList iovecs_from_js(const Napi::Value& value) {
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

namespace {

Napi::Value nmount_call(const Napi::CallbackInfo& info) {
  return answer(info, [options = iovecs_from_js(info[0]), flags = int_at(info, 1)]() mutable {
    return nmount_options(options, flags, "nmount", {});
  });
}

Napi::Value unmount_call(const Napi::CallbackInfo& info) {
  return answer(info, [target = string_at(info, 0), flags = int_at(info, 1)] { return unmount_target(target, flags); });
}

Napi::Value mount_table_call(const Napi::CallbackInfo& info) {
  return answer(info, mount_table, [](Napi::Env env, const std::vector<MountEntry>& table) {
    return list_to_js(env, table, mount_to_js);
  });
}

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

Napi::Value statfs_call(const Napi::CallbackInfo& info) {
  auto work = [path = string_at(info, 0)]() -> Result<struct statfs> {
    struct statfs found{};
    if (::statfs(path.c_str(), &found) != 0) return last_error("statfs", "statfs", path);
    return found;
  };
  return answer(info, std::move(work), statfs_to_js);
}

}  // namespace

void export_system_calls(Napi::Env env, Napi::Object exports) {
  auto calls = Napi::Object::New(env);
  add_jail_calls(env, calls);
  calls.Set("nmount", Napi::Function::New<nmount_call>(env, "nmount"));
  calls.Set("unmount", Napi::Function::New<unmount_call>(env, "unmount"));
  calls.Set("mountTable", Napi::Function::New<mount_table_call>(env, "mountTable"));
  calls.Set("statfs", Napi::Function::New<statfs_call>(env, "statfs"));
  add_devfs_calls(env, calls);
  add_kernel_calls(env, calls);
  exports.Set("freebsd", calls);
  export_kernel_events(env, exports);
}

}  // namespace buildjail
