#include "state/kept_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <map>
#include <ranges>
#include <string_view>
#include <utility>

#include "base/unique_fd.h"
#include "base/without_interruption.h"
#include "state/file_state.h"
#include "state/tree_walk.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "keep";
constexpr mode_t kPermissions = S_IRWXU | S_IRWXG | S_IRWXO | S_ISVTX;
/** Of those that are told of by name: a build may have made any number. */
constexpr std::size_t kMostLeft = 100;

/** What a build can bring about: a file that its reader may not read, a name that is too long for the host. */
bool is_of_the_build(int err) { return err == EACCES || err == ENAMETOOLONG || err == EOPNOTSUPP; }

class Keeping final : public TreeWalk {
 public:
  Keeping(const KeptIn& kept, std::vector<std::string>& left) : TreeWalk({}, kStep), kept_(kept), left_(left) {}

  /** Folders get their mode and owner last: one that is shut could not be written to. */
  Status finish() {
    for (const auto& [path, mode] : std::views::reverse(folders_)) {
      const UniqueFd folder(::openat(kept_.folder, path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!folder) return last_error(kStep, "openat", path);
      if (auto status = settle(folder.get(), mode, path); !status) return status;
    }
    if (count_ > kMostLeft) left_.push_back("and " + std::to_string(count_ - kMostLeft) + " more");
    return {};
  }

 private:
  void begin() override {
    folders_.clear();
    names_.clear();
  }
  [[nodiscard]] bool may_open_up(const FileState& folder) const override { return folder.uid == ::geteuid(); }

  Status visit(int fd, FileState& file, std::string_view name) override {
    const std::string path = path_of(name).substr(1);
    if (path.size() > kept_.longest_path) {
      leave_out(path);
      return {};
    }
    auto status = copy(fd, file, path);
    if (status || !is_of_the_build(status.error().err)) return status;
    leave_out(path);
    return {};
  }

  void leave_out(const std::string& path) {
    if (++count_ <= kMostLeft) left_.push_back(path);
  }

  Status copy(int fd, const FileState& file, const std::string& path) {
    if (S_ISDIR(file.mode)) return copy_folder(file, path);
    if (S_ISLNK(file.mode)) return copy_link(fd, path);
    if (!S_ISREG(file.mode)) {
      leave_out(path);
      return {};
    }
    const auto [known, is_new] = names_.try_emplace({file.dev, file.ino}, path);
    if (is_new) return copy_content(fd, file, path);
    if (::linkat(kept_.folder, known->second.c_str(), kept_.folder, path.c_str(), 0) == 0) return {};
    return last_error(kStep, "linkat", path);
  }

  Status copy_folder(const FileState& file, const std::string& path) {
    if (::mkdirat(kept_.folder, path.c_str(), S_IRWXU) != 0) return last_error(kStep, "mkdirat", path);
    folders_.emplace_back(path, file.mode & kPermissions);
    return {};
  }

  Status copy_link(int fd, const std::string& path) {
    std::string text(PATH_MAX, '\0');
    // Of the link itself, which the descriptor has (readlink(2), an empty path).
    const ssize_t size = ::readlinkat(fd, "", text.data(), text.size());
    if (size < 0) return last_error(kStep, "readlinkat", path);
    text.resize(static_cast<std::size_t>(size));
    if (::symlinkat(text.c_str(), kept_.folder, path.c_str()) != 0) return last_error(kStep, "symlinkat", path);
    if (::fchownat(kept_.folder, path.c_str(), kept_.uid, kept_.gid, AT_SYMLINK_NOFOLLOW) == 0) return {};
    return last_error(kStep, "fchownat", path);
  }

  Status copy_content(int fd, const FileState& file, const std::string& path) {
    const UniqueFd from = open_content(fd);
    if (!from) return last_error(kStep, kContentCall, path);
    const UniqueFd to(
        ::openat(kept_.folder, path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (!to) return last_error(kStep, "openat", path);
    if (auto status = copy_data(from.get(), to.get(), path); !status) return status;
    return settle(to.get(), file.mode & kPermissions, path);
  }

  static Status copy_data(int from, int to, const std::string& path) {
    const off_t size = ::lseek(from, 0, SEEK_END);
    if (size < 0 || ::ftruncate(to, size) != 0) return last_error(kStep, size < 0 ? "lseek" : "ftruncate", path);
    std::array<std::byte, std::size_t{64} * 1024> buffer{};
    for (off_t at = 0; at < size;) {
      at = ::lseek(from, at, SEEK_DATA);
      // Nothing but a hole is left.
      if (at < 0 && errno == ENXIO) return {};
      if (at < 0) return last_error(kStep, "lseek", path);
      const ssize_t got = without_interruption([&] { return ::pread(from, buffer.data(), buffer.size(), at); });
      if (got < 0) return last_error(kStep, "pread", path);
      if (got == 0) return {};
      for (ssize_t done = 0; done < got;) {
        const ssize_t written = without_interruption(
            [&] { return ::pwrite(to, buffer.data() + done, static_cast<std::size_t>(got - done), at + done); });
        if (written < 0) return last_error(kStep, "pwrite", path);
        done += written;
      }
      at += got;
    }
    return {};
  }

  [[nodiscard]] Status settle(int fd, mode_t mode, const std::string& path) const {
    // Before its mode: whoever is no superuser loses set-id bits only by it, and none are given.
    if (::fchown(fd, kept_.uid, kept_.gid) != 0) return last_error(kStep, "fchown", path);
    if (::fchmod(fd, mode) != 0) return last_error(kStep, "fchmod", path);
    return {};
  }

  KeptIn kept_;
  std::vector<std::string>& left_;
  std::size_t count_ = 0;
  std::vector<std::pair<std::string, mode_t>> folders_;
  /** Of a file with several names, the one that was copied. */
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> names_;
};

}  // namespace

Status keep_tree(int top, const std::string& path, const KeptIn& kept, std::vector<std::string>& left) {
  Keeping walk(kept, left);
  auto status = walk.run(top);
  if (status) status = walk.finish();
  if (!status) status.error().path = path + "/" + status.error().path;
  return status;
}

}  // namespace buildjail
