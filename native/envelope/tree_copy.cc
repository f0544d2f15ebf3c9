#include "envelope/tree_copy.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "state/file_state.h"

namespace buildjail {

namespace {

// defence: kept-no-set-id
constexpr mode_t kPermissions = S_IRWXU | S_IRWXG | S_IRWXO | S_ISVTX;

}  // namespace

bool TreeCopy::may_open_up(const FileState& folder) const { return folder.uid == ::geteuid(); }

Status TreeCopy::begin() {
  around_.clear();
  at_ = UniqueFd(::openat(to_, ".", kReadFolder));
  return at_ ? Status() : Status(last_error(step_, "openat"));
}

Result<bool> TreeCopy::visit(int fd, FileState& file, std::string_view name) {
  std::string path = path_of(name).substr(1);
  auto is_wanted = wants(path, file);
  if (!is_wanted || !*is_wanted) return is_wanted;
  auto status = copy(fd, file, std::string(name).c_str());
  if (status) return true;
  if (status = leave_out(std::move(path), std::move(status.error())); !status) return std::move(status.error());
  return false;
}

// The folder around the copy is still shut, so no other user enters or moves it.
Status TreeCopy::finish(mode_t mode) {
  const UniqueFd folder = std::exchange(at_, UniqueFd(::openat(at_.get(), "..", kReadFolder)));
  const Settled as = around_.back();
  around_.pop_back();
  auto status = at_ ? settle(folder.get(), as, mode & kPermissions) : last_error(step_, "openat");
  if (!status) status.error().path = path_of({}).substr(1);
  return status;
}

Status TreeCopy::copy(int fd, const FileState& file, const char* name) {
  if (S_ISDIR(file.mode)) return copy_folder(fd, file, name);
  if (S_ISLNK(file.mode)) return copy_link(fd, file, name);
  if (!S_ISREG(file.mode)) return SysError{.step = step_, .syscall = "mknodat", .err = EOPNOTSUPP};
  return copy_file(fd, file, name);
}

Status TreeCopy::copy_folder(int fd, const FileState& file, const char* name) {
  const auto as = settled(fd, file);
  if (!as) return as.error();
  if (::mkdirat(at_.get(), name, S_IRWXU) != 0) return last_error(step_, "mkdirat");
  UniqueFd made(::openat(at_.get(), name, kReadFolder));
  if (!made) return taken_back(last_error(step_, "openat"), name, AT_REMOVEDIR);
  around_.push_back(*as);
  at_ = std::move(made);
  return {};
}

Status TreeCopy::copy_link(int fd, const FileState& file, const char* name) {
  const auto as = settled(fd, file);
  if (!as) return as.error();
  std::string text(PATH_MAX, '\0');
  // Of the link itself, which the descriptor has (readlink(2), an empty path).
  const ssize_t size = ::readlinkat(fd, "", text.data(), text.size());
  if (size < 0) return last_error(step_, "readlinkat");
  text.resize(static_cast<std::size_t>(size));
  if (::symlinkat(text.c_str(), at_.get(), name) != 0) return last_error(step_, "symlinkat");
  if (::fchownat(at_.get(), name, as->owner.uid, as->owner.gid, AT_SYMLINK_NOFOLLOW) != 0)
    return taken_back(last_error(step_, "fchownat"), name);
  if (has_times() && ::utimensat(at_.get(), name, as->times, AT_SYMLINK_NOFOLLOW) != 0)
    return taken_back(last_error(step_, "utimensat"), name);
  return {};
}

Status TreeCopy::copy_content(int fd, const FileState& file, const char* name) {
  const auto as = settled(fd, file);
  if (!as) return as.error();
  const UniqueFd from = open_content(fd);
  if (!from) return last_error(step_, kContentCall);
  const UniqueFd to(::openat(at_.get(), name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!to) return last_error(step_, "openat");
  auto status = copy_data(from.get(), to.get());
  if (status) status = settle(to.get(), *as, file.mode & kPermissions);
  return status ? std::move(status) : taken_back(std::move(status.error()), name);
}

/** Removes a file that is not whole, because it would look like a file of the source. */
Status TreeCopy::taken_back(SysError error, const char* name, int flags) const {
  static_cast<void>(::unlinkat(at_.get(), name, flags));
  return error;
}

Status TreeCopy::copy_data(int from, int to) const {
  const off_t size = ::lseek(from, 0, SEEK_END);
  if (size < 0 || ::ftruncate(to, size) != 0) return last_error(step_, size < 0 ? "lseek" : "ftruncate");
  for (off_t at = 0; at < size;) {
    const off_t data = ::lseek(from, at, SEEK_DATA);
    // Nothing but a hole is left.
    if (data < 0 && errno == ENXIO) return {};
    // defence: no-hole-written-copy
    const off_t hole = data < 0 ? -1 : ::lseek(from, data, SEEK_HOLE);
    if (hole < 0) return last_error(step_, "lseek");
    // No further than the hole: written zeros take room.
    if (auto status = copy_piece(from, to, data, hole); !status) return status;
    at = hole;
  }
  return {};
}

Status TreeCopy::copy_piece(int from, int to, off_t at, off_t end) const {
  std::array<std::byte, std::size_t{64} * 1024> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  while (at < end) {
    if (auto status = go_on(); !status) return status;
    const auto wanted = static_cast<std::size_t>(std::min<off_t>(end - at, buffer.size()));
    const ssize_t got = without_interruption([&] { return ::pread(from, buffer.data(), wanted, at); });
    if (got < 0) return last_error(step_, "pread");
    if (got == 0) return {};
    for (ssize_t done = 0; done < got;) {
      const ssize_t written = without_interruption(
          [&] { return ::pwrite(to, buffer.data() + done, static_cast<std::size_t>(got - done), at + done); });
      if (written < 0) return last_error(step_, "pwrite");
      done += written;
    }
    wrote(static_cast<std::size_t>(got));
    at += got;
  }
  return {};
}

Result<TreeCopy::Settled> TreeCopy::settled(int fd, const FileState& file) const {
  Settled as{.owner = owner_of(file), .times = {}};
  if (!has_times()) return as;
  struct stat found{};
  if (::fstat(fd, &found) != 0) return last_error(step_, "fstat");
  as.times[0] = found.st_atim;
  as.times[1] = found.st_mtim;
  return as;
}

Status TreeCopy::settle(int fd, const Settled& as, mode_t mode) const {
  // Before the mode: fchown(2) may take set-id bits away, and never adds any.
  // defence: kept-belongs-owner-folder
  if (::fchown(fd, as.owner.uid, as.owner.gid) != 0) return last_error(step_, "fchown");
  if (::fchmod(fd, mode) != 0) return last_error(step_, "fchmod");
  if (has_times() && ::futimens(fd, as.times) != 0) return last_error(step_, "futimens");
  return {};
}

}  // namespace buildjail
