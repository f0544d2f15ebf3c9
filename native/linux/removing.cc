#include "linux/removing.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "state/file_state.h"
#include "state/tree_walk.h"

namespace buildjail {

namespace {

class Removing final : public TreeWalk {
 public:
  Removing(int top, const char* step) : TreeWalk({}, step), top_(top), step_(step) {}
  Status remove() { return run(top_); }

 private:
  struct Folder {
    std::string name{};
    std::uint64_t dev = 0;
    std::uint64_t ino = 0;
  };

  [[nodiscard]] bool may_open_up(const FileState& folder) const override { return folder.uid == ::geteuid(); }

  Status begin() override {
    const auto top = state_of(top_);
    if (!top) return last_error(step_, kStateCall);
    around_ = {{.dev = top->dev, .ino = top->ino}};
    at_ = UniqueFd(::openat(top_, ".", kReadFolder));
    return at_ ? Status() : Status(last_error(step_, "openat"));
  }

  Result<bool> visit(int fd, FileState& file, std::string_view name) override {
    const std::string text(name);
    if (!S_ISDIR(file.mode))
      return ::unlinkat(at_.get(), text.c_str(), 0) == 0 ? Result<bool>(true) : failure("unlinkat", name);
    // Its mode may keep its owner from removing what is in it.
    if (file.uid == ::geteuid() && !open_up(fd, file)) return failure(kModeCall, name);
    file.mode |= S_IRWXU;
    // The visited folder itself, whatever its name leads to by now.
    UniqueFd below(::openat(fd, ".", kReadFolder));
    if (!below) return failure("openat", name);
    around_.push_back({.name = text, .dev = file.dev, .ino = file.ino});
    at_ = std::move(below);
    return true;
  }

  Status finish(mode_t) override {
    const std::string name = std::move(around_.back().name);
    around_.pop_back();
    UniqueFd above(::openat(at_.get(), "..", kReadFolder));
    if (!above) return failure("openat");
    at_ = std::move(above);
    const auto state = state_of(at_.get());
    // A process that had the folder open before may have moved it.
    if (!state || state->dev != around_.back().dev || state->ino != around_.back().ino) {
      errno = ESTALE;
      return failure("openat");
    }
    return ::unlinkat(at_.get(), name.c_str(), AT_REMOVEDIR) == 0 ? Status() : Status(failure("unlinkat"));
  }

  int top_;
  const char* step_;
  UniqueFd at_;
  /** The folder at each level. */
  std::vector<Folder> around_;
};

}  // namespace

Status remove_all_in(int folder, const char* step) { return Removing(folder, step).remove(); }

}  // namespace buildjail
