#include "envelope/input_copy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>
#include <variant>

#include "base/unique_fd.h"
#include "envelope/tree_copy.h"

namespace buildjail {

namespace {

constexpr const char* kMore =
    "raise limits.tmpSize or limits.tmpFiles, or name in exclude what the build does not need";
constexpr const char* kUnreadable = "name it in exclude, or let the user of this program read it";

class CopyOfInput final : public TreeCopy {
 public:
  CopyOfInput(int to, const InputCopy& copy, const struct stat& source)
      : TreeCopy(kCopy, to), copy_(copy), source_(source) {}

 private:
  // As in an overlay on Linux (linux/sources.h): the files of the source's owner become the build's, and others keep
  // their owners.
  [[nodiscard]] Owner owner_of(const FileState& file) const override {
    const BuildUser& build = copy_.build;
    if (copy_.has_one_owner) return {build.uid, build.gid};
    // defence: copy-others-stay-others
    return {file.uid == source_.st_uid ? build.uid : file.uid, file.gid == source_.st_gid ? build.gid : file.gid};
  }
  [[nodiscard]] bool has_times() const override { return true; }
  [[nodiscard]] bool may_open_up(const FileState&) const override {
    // The source stays as it is.
    // defence: copied-source-stays-shut
    return false;
  }
  [[nodiscard]] bool passes_by_shut_folders() const override {
    // defence: copied-source-whole
    return false;
  }

  // A walk that begins again would find its own copies.
  Status begin() override {
    if (std::exchange(has_begun_, true))
      return SysError{.step = kCopy,
                      .syscall = "openat",
                      .err = ESTALE,
                      .path = copy_.bind.source,
                      .dest = copy_.bind.target,
                      .detail = "folders in it are moved while it is copied",
                      .remedy = "open the session again, when nothing changes the folder"};
    return TreeCopy::begin();
  }

  Result<bool> wants(const std::string& path, const FileState&) override {
    if (auto status = go_on(); !status) return std::move(status.error());
    return !copy_.covered.contains(path);
  }

  [[nodiscard]] Status go_on() const override {
    if (!copy_.copying.is_stopped()) return {};
    return SysError{.step = kCopy,
                    .syscall = "read",
                    .err = ECANCELED,
                    .path = copy_.bind.source,
                    .dest = copy_.bind.target,
                    .detail = "the opening was aborted"};
  }

  void wrote(std::size_t bytes) const override { copy_.copying.add_bytes(bytes); }

  Status copy_file(int fd, const FileState& file, const char* name) override {
    auto status = copy_content(fd, file, name);
    if (status) copy_.copying.add_file();
    return status;
  }

  Status leave_out(std::string path, SysError why) override {
    // Sockets, fifos and devices, which lead out of the session.
    if (why.err == EOPNOTSUPP && why.syscall == "mknodat") return {};
    if (!why.dest.empty()) return why;
    why.path = copy_.bind.source + "/" + path;
    why.dest = copy_.bind.target;
    if (why.err != ENOSPC) return why;
    why.detail = copy_.bind.source + " is copied into memory, and the copy has room for " +
                 std::to_string(copy_.room.size) + " bytes in " + std::to_string(copy_.room.files) +
                 " files, as /tmp has";
    why.remedy = kMore;
    return why;
  }

  const InputCopy& copy_;
  const struct stat& source_;
  bool has_begun_ = false;
};

/** The top folder, last: from here on the build could enter. */
Status settle(int top, const InputCopy& copy, const struct stat& source) {
  const UniqueFd folder(::openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return last_error(kCopy, "openat");
  if (::fchown(folder.get(), copy.build.uid, copy.build.gid) != 0) return last_error(kCopy, "fchown");
  constexpr mode_t kPermissions = S_IRWXU | S_IRWXG | S_IRWXO | S_ISVTX;
  if (::fchmod(folder.get(), source.st_mode & kPermissions) != 0) return last_error(kCopy, "fchmod");
  const timespec times[] = {source.st_atim, source.st_mtim};  // NOLINT(modernize-avoid-c-arrays)
  if (::futimens(folder.get(), times) != 0) return last_error(kCopy, "futimens");
  return {};
}

}  // namespace

Result<MountTmpfs> room_of_copy(const EnvelopePlan& plan) {
  for (const Step& step : plan.steps) {
    const auto* const tmpfs = std::get_if<MountTmpfs>(&step);
    if (tmpfs != nullptr && tmpfs->target == "/tmp") return *tmpfs;
  }
  return SysError{.step = kCopy, .syscall = "mount", .err = EINVAL, .detail = "the plan has no /tmp"};
}

std::set<std::string, std::less<>> covered_in(const Bind& bind, const Nesting& nesting) {
  std::set<std::string, std::less<>> covered;
  for (const auto& [inner, around] : nesting) {
    if (around == &bind) covered.emplace(mount_point_in(bind, *inner));
  }
  return covered;
}

Status copy_input(const InputCopy& copy, int source, int top) {
  struct stat found{};
  if (::fstat(source, &found) != 0) return last_error(kCopy, "fstat", copy.bind.source);
  CopyOfInput copying(top, copy, found);
  auto status = copying.copy_all(source);
  if (status) status = settle(top, copy, found);
  if (status) return status;
  SysError& error = status.error();
  // The paths of the walk begin at the top.
  if (error.dest.empty()) {
    error.path = copy.bind.source + (error.path.empty() || error.path.starts_with('/') ? "" : "/") + error.path;
    error.dest = copy.bind.target;
  }
  if (error.err == EACCES) error.remedy = kUnreadable;
  return status;
}

}  // namespace buildjail
