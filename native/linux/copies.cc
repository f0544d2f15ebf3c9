#include "linux/copies.h"

#include <array>
#include <chrono>
#include <string>
#include <utility>

#include "envelope/input_copy.h"
#include "linux/parts.h"
#include "linux/raw_calls.h"

namespace buildjail {

Result<UniqueFd> copy_by_host(const Bind& bind, const NamespaceOpening& opening, InitCalls& calls, Trace& trace) {
  const auto room = room_of_copy(opening.plan);
  if (!room) return room.error();
  const auto source = pin_source(bind);
  if (!source) return source.error();
  const CallSite site{.step = kCopy, .path = bind.source, .dest = bind.target};
  calls.make(site, kCall_fsopen, {"tmpfs", raw::kFsCloseOnExec}).into(kOpened);
  // The top folder counts as one of the files.
  const std::array<std::pair<const char*, std::string>, 3> options{
      {{"mode", "0700"}, {"size", std::to_string(room->size)}, {"nr_inodes", std::to_string(room->files + 1)}}};
  for (const auto& [key, value] : options)
    calls.make(site, kCall_fsconfig, {kOpened, raw::kFsSetString, key, value, 0});
  calls.make(site, kCall_fsconfig, {kOpened, raw::kFsCreate, 0, 0, 0});
  // defence: copy-neither-devices-nor
  calls.make(site, kCall_fsmount, {kOpened, raw::kFsCloseOnExec, raw::kNoSuid | raw::kNoDev}).into(kCopied);
  calls.show(kCopied);
  if (auto status = calls.confirm(false, trace); !status) return std::move(status.error());
  auto shown = calls.take_shown(kCopied);
  if (shown.empty()) return SysError{.step = kCopy, .syscall = "recvmsg", .err = EMFILE, .path = bind.source};
  UniqueFd top = std::move(shown.front());
  const auto began = std::chrono::steady_clock::now();
  const BuildUser build = opening.ids.outside(opening.plan.user);
  auto status = copy_input({.bind = bind,
                            .room = *room,
                            .build = build,
                            .has_one_owner = opening.ids.are_callers(),
                            .covered = covered_in(bind, opening.nesting),
                            .copying = opening.copying},
                           source->get(), top.get());
  if (!status) return std::move(status.error());
  const std::chrono::nanoseconds copying = std::chrono::steady_clock::now() - began;
  calls.mark(kCopy, bind.target, copying.count());
  return top;
}

}  // namespace buildjail
