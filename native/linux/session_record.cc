#include "linux/session_record.h"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "linux/ids.h"
#include "linux/mount_table.h"
#include "linux/processes.h"

namespace buildjail {

namespace {

/** The ids of the session in this process's namespace; `file` is uid_map or gid_map. */
Result<std::vector<IdExtent>> ids_of(pid_t init, const char* file, bool are_hosts) {
  auto map = read_map("record", "/proc/" + std::to_string(init) + "/" + file);
  // The map of the reader's own namespace has the ids of the one around that (user_namespaces(7)).
  for (std::size_t i = 0; map && are_hosts && i < map->size(); ++i) map->at(i).outside = map->at(i).inside;
  return map;
}

}  // namespace

Result<Record> read_record(const Namespaces& inside, bool are_hosts) {
  Record record{.root = inside.root()};
  auto mounts = mounts_of(inside.init(), record.root);
  if (!mounts) return std::move(mounts.error());
  record.mounts = std::move(*mounts);
  auto numbers = namespaces_of(inside.init());
  if (!numbers) return std::move(numbers.error());
  record.namespaces = std::move(*numbers);
  auto uids = ids_of(inside.init(), "uid_map", are_hosts);
  if (!uids) return std::move(uids.error());
  auto gids = ids_of(inside.init(), "gid_map", are_hosts);
  if (!gids) return std::move(gids.error());
  record.uids = std::move(*uids);
  record.gids = std::move(*gids);
  return record;
}

Credentials as_inside(Credentials who, const std::vector<IdExtent>& uids, const std::vector<IdExtent>& gids) {
  constexpr std::uint32_t kOverflow = 65534;
  for (uid_t* const id : {&who.uid, &who.real_uid, &who.saved_uid}) *id = inside_of(uids, *id).value_or(kOverflow);
  for (gid_t* const id : {&who.gid, &who.real_gid, &who.saved_gid}) *id = inside_of(gids, *id).value_or(kOverflow);
  for (gid_t& id : who.groups) id = inside_of(gids, id).value_or(kOverflow);
  return who;
}

}  // namespace buildjail
