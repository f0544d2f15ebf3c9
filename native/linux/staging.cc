#include "linux/staging.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "base/tolerated.h"
#include "base/unique_fd.h"
#include "envelope/tree_copy.h"
#include "state/file_state.h"
#include "state/files.h"

namespace buildjail {

namespace {

constexpr std::size_t kMostLeft = 100;

class Staging final : public TreeCopy {
 public:
  Staging(int to, Owner owner, const MountedIn& points, std::vector<std::string>& left, const char* step)
      : TreeCopy(step, to), owner_(owner), points_(points), left_(left) {}

 private:
  [[nodiscard]] Owner owner_of(const FileState&) const override { return owner_; }
  [[nodiscard]] bool has_times() const override { return true; }
  // A build can make no device, so these are whiteouts.
  Result<bool> wants(const std::string& path, const FileState& file) override {
    return !S_ISCHR(file.mode) && !points_.contains(path);
  }
  Status leave_out(std::string path, SysError why) override {
    if (why.err != EOPNOTSUPP && why.err != EACCES) return why;
    note_left(std::move(path), left_);
    return {};
  }

  Owner owner_;
  const MountedIn& points_;
  std::vector<std::string>& left_;
};

/** Removes folders from the staged copy that the source lacks and that hold nothing but points. */
void leave_out_around(const MountedIn& points, int staged, int source) {
  const Tolerated tolerated("a folder that cannot be taken out is one more empty folder in the source");
  for (const std::string& point : points) {
    for (auto end = point.rfind('/'); end != std::string::npos; end = point.rfind('/', end - 1)) {
      const std::string_view way = std::string_view(point).substr(0, end);
      const std::size_t slash = way.rfind('/');
      const std::string_view around = slash == std::string_view::npos ? "" : way.substr(0, slash);
      const std::string name(way.substr(slash + 1));
      const UniqueFd before = folder_below(source, around);
      if (before && state_in(before.get(), name.c_str())) break;
      const UniqueFd made = folder_below(staged, around);
      // This fails if the folder holds another file.
      if (!made || ::unlinkat(made.get(), name.c_str(), AT_REMOVEDIR) != 0) break;
    }
  }
}

}  // namespace

void note_left(std::string path, std::vector<std::string>& left) {
  if (left.size() < kMostLeft) left.push_back(std::move(path));
}

Status stage(int upper, int staged, int source, const MountedIn& points, std::vector<std::string>& left,
             const char* step) {
  const auto top = state_of(source);
  if (!top) return last_error(step, kStateCall);
  const bool is_root = ::geteuid() == 0;
  Staging staging(staged, {.uid = is_root ? top->uid : ::geteuid(), .gid = is_root ? top->gid : ::getegid()}, points,
                  left, step);
  if (auto status = staging.copy_all(upper); !status) return status;
  leave_out_around(points, staged, source);
  return {};
}

}  // namespace buildjail
