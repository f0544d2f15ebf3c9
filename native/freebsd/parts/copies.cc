#include <sys/param.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/unique_fd.h"
#include "envelope/overlay.h"
#include "envelope/tree_copy.h"
#include "freebsd/mounts.h"
#include "freebsd/parts.h"
#include "freebsd/parts/mount.h"
#include "freebsd/parts/nested.h"
#include "plan/plan.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "copy";
constexpr const char* kMore =
    "raise limits.tmpSize or limits.tmpFiles, or name in exclude what the build does not need";

/** The room of a copy: as much as /tmp has. */
Result<MountTmpfs> room_of(const EnvelopePlan& plan) {
  for (const Step& step : plan.steps) {
    const auto* const tmpfs = std::get_if<MountTmpfs>(&step);
    if (tmpfs != nullptr && tmpfs->target == "/tmp") return *tmpfs;
  }
  return SysError{.step = kStep, .syscall = "nmount", .err = EINVAL, .detail = "the plan has no /tmp"};
}

/**
 * Copies the folder that an overlay is of. Another program may change it meanwhile: then the copy has some of that, and
 * nothing of anywhere else.
 */
class CopyOfOverlay final : public TreeCopy {
 public:
  /** `covered` are the places, from the top on, at which something else is mounted: they are left out. */
  CopyOfOverlay(int to, const Bind& bind, const struct stat& source, const BuildUser& user,
                std::set<std::string, std::less<>> covered, const MountTmpfs& room, Stop stop)
      : TreeCopy(kStep, to),
        bind_(bind),
        source_(source),
        user_(user),
        covered_(std::move(covered)),
        room_(room),
        stop_(std::move(stop)) {}

 private:
  // As in an overlay on Linux (linux/sources.h): what belongs to the owner of the source is the build's, and what
  // belongs to others stays theirs.
  [[nodiscard]] Owner owner_of(const FileState& file) const override {
    // defence: copy-others-stay-others
    return {file.uid == source_.st_uid ? user_.uid : file.uid, file.gid == source_.st_gid ? user_.gid : file.gid};
  }
  [[nodiscard]] bool has_times() const override { return true; }

  // A walk that begins again would find its own copies.
  Status begin() override {
    if (std::exchange(has_begun_, true))
      return SysError{.step = kStep,
                      .syscall = "openat",
                      .err = ESTALE,
                      .path = bind_.source,
                      .dest = bind_.target,
                      .detail = "folders in it are moved while it is copied",
                      .remedy = "open the session again, when nothing changes the folder"};
    return TreeCopy::begin();
  }

  Result<bool> wants(const std::string& path, const FileState&) override {
    if (auto status = go_on(); !status) return std::move(status.error());
    return !covered_.contains(path);
  }

  [[nodiscard]] Status go_on() const override {
    if (!stop_.is_asked()) return {};
    return SysError{.step = kStep,
                    .syscall = "read",
                    .err = ECANCELED,
                    .path = bind_.source,
                    .dest = bind_.target,
                    .detail = "the opening was aborted"};
  }

  Status leave_out(std::string path, SysError why) override {
    // Sockets, fifos and devices, which lead out of the session.
    if (why.err == EOPNOTSUPP && why.syscall == "mknodat") return {};
    if (why.path.empty()) why.path = bind_.source + "/" + path;
    why.dest = bind_.target;
    if (why.err != ENOSPC) return why;
    why.detail = bind_.source + " is copied into memory, and the copy has room for " + std::to_string(room_.size) +
                 " bytes in " + std::to_string(room_.files) + " files, as /tmp has";
    why.remedy = kMore;
    return why;
  }

  const Bind& bind_;
  const struct stat& source_;
  const BuildUser& user_;
  std::set<std::string, std::less<>> covered_;
  const MountTmpfs& room_;
  Stop stop_;
  bool has_begun_ = false;
};

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
        stop_(opening.stop) {
    for (const auto& [inner, around] : opening.nesting) {
      if (around == &bind) covered_.emplace(mount_point_in(bind, *inner));
    }
  }

  [[nodiscard]] std::string_view step() const override { return kStep; }

  /** ENOSPC: it is too large. ECANCELED: it was stopped. */
  Status make(Trace&) override {
    const auto room = room_of(plan_);
    if (!room) return room.error();
    const auto source = pin_source(bind_);
    if (!source) return source.error();
    if (auto status = confirm_nothing_mounted(); !status) return status;
    if (auto status = mount_empty(*room); !status) return status;
    const auto top = open_below(jail().root, bind_.target);
    if (!top) return top.error();
    struct stat found{};
    if (::fstat(source->get(), &found) != 0) return last_error(kStep, "fstat", bind_.source);
    CopyOfOverlay copy(top->get(), bind_, found, jail().user, covered_, *room, stop_);
    auto status = copy.copy_all(source->get());
    if (status) status = settle(top->get(), found);
    if (status) return status;
    if (std::string& at = status.error().path; !at.starts_with('/'))
      at = at.empty() ? bind_.source : bind_.source + "/" + at;
    if (status.error().dest.empty()) status.error().dest = bind_.target;
    return status;
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

  /** The top folder, last: from here on the build could enter. */
  [[nodiscard]] Status settle(int top, const struct stat& source) const {
    const UniqueFd folder(::openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder) return last_error(kStep, "openat", bind_.source);
    if (::fchown(folder.get(), jail().user.uid, jail().user.gid) != 0) return last_error(kStep, "fchown", bind_.source);
    constexpr mode_t kPermissions = S_IRWXU | S_IRWXG | S_IRWXO | S_ISVTX;
    if (::fchmod(folder.get(), source.st_mode & kPermissions) != 0) return last_error(kStep, "fchmod", bind_.source);
    const timespec times[] = {source.st_atim, source.st_mtim};  // NOLINT(modernize-avoid-c-arrays)
    if (::futimens(folder.get(), times) != 0) return last_error(kStep, "futimens", bind_.source);
    return {};
  }

  const Bind& bind_;
  const Bind* outer_;
  const EnvelopePlan& plan_;
  std::vector<const Bind*> binds_;
  std::set<std::string, std::less<>> covered_;
  Stop stop_;
};

}  // namespace

void add_copy(const JailOpening& opening, const Bind& bind, const Bind* outer, Parts& parts) {
  parts.push_back(std::make_unique<CopiedInput>(opening, bind, outer));
}

}  // namespace buildjail
