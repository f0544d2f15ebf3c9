#include "linux/session_record.h"

#include <sys/types.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/back_off.h"
#include "linux/ids.h"
#include "linux/mount_table.h"
#include "linux/processes.h"

namespace buildjail {

namespace {

/** The time in which a command starts even if its session gets a hundredth of a processor. */
constexpr std::chrono::milliseconds kLookBound{10'000};

/** A command has ended before it was looked at. */
SysError no_command() { return {.step = "record", .syscall = "open", .err = ESRCH}; }

/** A command that is being looked at. */
struct Looking {
  std::mutex mutex;
  std::condition_variable changed;
  /** Its pid, or why it has none. */
  std::optional<Result<pid_t>> began;
};

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

Result<Credentials> look_at_command(
    Waiter& waiter, const Namespaces& inside,
    const std::function<Status(const LaunchRequest& request, CommandListener listener)>& launch) {
  const auto looking = std::make_shared<Looking>();
  LaunchRequest request;
  request.run = waiter.new_run();
  request.argv = {"/"};
  request.working_directory = "/";
  const auto tell = [looking](const Result<pid_t>& pid) {
    const std::lock_guard lock(looking->mutex);
    if (!looking->began) looking->began = pid;
    looking->changed.notify_all();
  };
  CommandListener listener{.started = tell, .dead = {}, .ended = [tell](const Result<Exit>& exit) {
                             tell(exit ? no_command() : exit.error());
                           }};
  if (auto status = launch(request, std::move(listener)); !status) return std::move(status.error());
  std::unique_lock lock(looking->mutex);
  looking->changed.wait_for(lock, kLookBound, [&] { return looking->began.has_value(); });
  const Result<pid_t> pid = looking->began.value_or(no_command());
  auto who = pid ? credentials_of(*pid) : std::nullopt;
  static_cast<void>(inside.channel()->signal(request.run, SIGKILL));
  lock.unlock();
  BackOff back_off(kLookBound);
  while (waiter.is_expected(request.run) && back_off.wait()) {
  }
  if (who) return std::move(*who);
  return pid ? no_command() : pid.error();
}

Credentials as_inside(Credentials who, const std::vector<IdExtent>& uids, const std::vector<IdExtent>& gids) {
  constexpr std::uint32_t kOverflow = 65534;
  for (uid_t* const id : {&who.uid, &who.real_uid, &who.saved_uid}) *id = inside_of(uids, *id).value_or(kOverflow);
  for (gid_t* const id : {&who.gid, &who.real_gid, &who.saved_gid}) *id = inside_of(gids, *id).value_or(kOverflow);
  for (gid_t& id : who.groups) id = inside_of(gids, id).value_or(kOverflow);
  return who;
}

}  // namespace buildjail
