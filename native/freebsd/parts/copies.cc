#include <sys/param.h>
#include <sys/mount.h>

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "envelope/input_copy.h"
#include "envelope/overlay.h"
#include "freebsd/mounts.h"
#include "freebsd/parts.h"
#include "freebsd/parts/mount.h"
#include "freebsd/parts/nested.h"
#include "plan/plan.h"

namespace buildjail {

namespace {

/**
 * An overlay: a copy of the folder, in a file system in memory of its own. That is mounted in the root, so it goes with
 * everything else there, also after a crash (Root), and no other session reaches it. The kernel bounds it, and writes
 * it to swap where memory is short (tmpfs(4)).
 */
class CopiedInput final : public Mount {
 public:
  /** All outlive it. `outer` is the bind that it lies in, or null. */
  CopiedInput(const JailOpening& opening, const Bind& bind, const Bind* outer)
      : Mount(opening.jail, bind.target),
        bind_(bind),
        outer_(outer),
        plan_(opening.plan),
        binds_(binds_of(opening.steps)),
        covered_(covered_in(bind, opening.nesting)),
        copying_(opening.copying) {}

  [[nodiscard]] std::string_view step() const override { return kCopy; }

  /** ENOSPC: it is too large. ECANCELED: it was stopped. */
  Status make(Trace&) override {
    const auto room = room_of_copy(plan_);
    if (!room) return room.error();
    const auto source = pin_source(bind_);
    if (!source) return source.error();
    if (auto status = confirm_nothing_mounted(); !status) return status;
    if (auto status = mount_empty(*room); !status) return status;
    const auto top = open_below(jail().root, bind_.target);
    if (!top) return top.error();
    return copy_input({.bind = bind_,
                       .room = *room,
                       .build = jail().user,
                       .has_one_owner = false,
                       .covered = covered_,
                       .copying = copying_},
                      source->get(), top->get());
  }

 private:
  [[nodiscard]] Status confirm_nothing_mounted() const {
    const auto mounted = mounted_list();
    if (!mounted) return mounted.error();
    std::vector<std::string> paths;
    paths.reserve(mounted->size());
    for (const auto& one : *mounted) paths.emplace_back(one.f_mntonname);
    return confirm_whole(bind_, binds_, paths);
  }

  Status mount_empty(const MountTmpfs& room) {
    if (outer_ == nullptr) return mount(options_of(path(), room), MNT_NOSUID);
    if (outer_->is_overlay) {
      if (auto status = make_point_in_copy(jail().root, *outer_, bind_, jail().user); !status) return status;
    }
    const auto point = open_below(jail().root, bind_.target);
    if (!point) return point.error();
    auto options = options_of(".", room);
    options.add_flag("nocover");
    if (auto status = mount_in(point->get(), options, MNT_NOSUID, bind_); !status) return status;
    return take(newest_below(jail().root));
  }

  const Bind& bind_;
  const Bind* outer_;
  const EnvelopePlan& plan_;
  std::vector<const Bind*> binds_;
  std::set<std::string, std::less<>> covered_;
  Copying copying_;
};

}  // namespace

void add_copy(const JailOpening& opening, const Bind& bind, const Bind* outer, Parts& parts) {
  parts.push_back(std::make_unique<CopiedInput>(opening, bind, outer));
}

}  // namespace buildjail
