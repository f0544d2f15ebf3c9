#include "freebsd/bind_mounts.h"

#include <sys/param.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <deque>
#include <span>
#include <string_view>

#include "core/vfork_child.h"
#include "freebsd/iovec_list.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "nmount";

/** One mount, prepared so that the child has nothing to allocate; what the child learns is written back here. */
struct PreparedMount {
  int lookup_fd;
  iovec* options;
  unsigned option_count;
  int flags;
  const char* path;
  std::int64_t ns = 0;
  fsid_t fsid{};
};

/** What the child is to do, and how far it came. */
struct Batch {
  std::span<PreparedMount> mounts;
  std::size_t done = 0;
  int err = 0;
  const char* syscall = nullptr;
};

std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

// In the child: system calls on prepared arguments only.
void mount_prepared(void* context) {
  auto& batch = *static_cast<Batch*>(context);
  for (PreparedMount& mount : batch.mounts) {
    const std::int64_t began = now_ns();
    struct statfs mounted;
    batch.syscall = "fchdir";
    if (::fchdir(mount.lookup_fd) != 0) break;
    batch.syscall = "nmount";
    if (::nmount(mount.options, mount.option_count, mount.flags) != 0) break;
    batch.syscall = "statfs";
    if (::statfs(mount.path, &mounted) != 0) break;
    mount.fsid = mounted.f_fsid;
    mount.ns = now_ns() - began;
    batch.done += 1;
  }
  if (batch.done < batch.mounts.size()) batch.err = errno;
}

IovecList options_of(const PinnedBind& pinned, const std::string& path) {
  IovecList options;
  options.add_string("fstype", "nullfs");
  options.add_string("fspath", path);
  options.add_string("from", pinned.from());
  // Nothing of ours is mounted twice in one place; if something is, it is not ours to cover (mount(8), nocover).
  options.add_flag("nocover");
  // A socket of the host that lies in an input must not be a way out (mount_nullfs(8)).
  options.add_flag("nounixbypass");
  options.add_errmsg();
  return options;
}

bool is_same_file(const struct stat& a, const struct stat& b) {
  // nullfs(4) shows everything of the lower file but its device; generation and birth time tell files of two devices apart.
  return a.st_ino == b.st_ino && a.st_gen == b.st_gen && a.st_birthtim.tv_sec == b.st_birthtim.tv_sec &&
         a.st_birthtim.tv_nsec == b.st_birthtim.tv_nsec && (a.st_mode & S_IFMT) == (b.st_mode & S_IFMT);
}

}  // namespace

Result<PinnedBind> PinnedBind::pin(const Bind& bind) {
  const int kind = bind.is_file ? O_PATH : O_RDONLY | O_DIRECTORY;
  UniqueFd source(::open(bind.source.c_str(), kind | O_NOFOLLOW | O_CLOEXEC));
  if (!source) return last_error("pin-source", "open", bind.source);
  struct stat found {};
  if (::fstat(source.get(), &found) != 0) return last_error("pin-source", "fstat", bind.source);
  if (found.st_ino != bind.ino || static_cast<std::uint64_t>(found.st_dev) != bind.dev) {
    return SysError{.step = "pin-source",
                    .syscall = "fstat",
                    .err = ESTALE,
                    .path = bind.source,
                    .dest = {},
                    .detail = "the source is another file than when the plan was made"};
  }
  UniqueFd parent;
  if (bind.is_file) {
    const std::string directory = bind.source.substr(0, bind.source.rfind('/') + 1);
    parent.reset(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!parent) return last_error("pin-source", "open", directory);
  }
  return PinnedBind(bind, std::move(source), std::move(parent));
}

std::string PinnedBind::from() const { return bind_->is_file ? bind_->source.substr(bind_->source.rfind('/') + 1) : "."; }

Status PinnedBind::verify(const std::string& path) const {
  struct stat pinned {};
  struct stat mounted {};
  if (::fstat(source_.get(), &pinned) != 0) return last_error("verify-source", "fstat", bind_->source);
  if (::lstat(path.c_str(), &mounted) != 0) return last_error("verify-source", "lstat", path);
  if (is_same_file(pinned, mounted)) return {};
  return SysError{.step = "verify-source",
                  .syscall = "lstat",
                  .err = ESTALE,
                  .path = bind_->source,
                  .dest = path,
                  .detail = "the source was exchanged while it was being mounted"};
}

Status mount_binds(const std::vector<PinnedBind>& binds, const std::string& root, MountStack& mounts, Trace& trace) {
  if (binds.empty()) return {};
  std::deque<IovecList> options;
  std::deque<std::string> paths;
  std::vector<PreparedMount> prepared;
  for (const auto& pinned : binds) {
    const std::string& path = paths.emplace_back(root + pinned.bind().target);
    IovecList& list = options.emplace_back(options_of(pinned, path));
    prepared.push_back({.lookup_fd = pinned.lookup_fd(),
                        .options = list.data(),
                        .option_count = list.size(),
                        .flags = static_cast<int>(MNT_NOSUID | (pinned.bind().is_writable ? 0 : MNT_RDONLY)),
                        .path = path.c_str()});
  }
  trace.mark("prepare-mounts");

  Batch batch{.mounts = prepared};
  const pid_t child = vfork_child(mount_prepared, &batch);
  if (child < 0) return last_error(kStep, "vfork");
  reap(child);
  for (std::size_t i = 0; i < batch.done; ++i) {
    const auto& [lookup_fd, iov, count, flags, path, ns, fsid] = prepared.at(i);
    mounts.push("FSID:" + std::to_string(fsid.val[0]) + ":" + std::to_string(fsid.val[1]), path);
    trace.add("nmount", binds.at(i).bind().target, ns);
  }
  if (batch.done < binds.size()) {
    const Bind& failed = binds.at(batch.done).bind();
    // Mounted, but not known by FSID: taken back here, by its path, as the stack cannot.
    if (std::string_view(batch.syscall) == "statfs") static_cast<void>(unmount_target(paths.at(batch.done), 0));
    return SysError{.step = kStep,
                    .syscall = batch.syscall,
                    .err = batch.err,
                    .path = failed.source,
                    .dest = failed.target,
                    .detail = options.at(batch.done).errmsg()};
  }
  for (std::size_t i = 0; i < binds.size(); ++i) {
    if (auto status = binds.at(i).verify(paths.at(i)); !status) return status;
  }
  trace.mark("verify-sources");
  return {};
}

}  // namespace buildjail
