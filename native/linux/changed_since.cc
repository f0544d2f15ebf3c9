#include "linux/changed_since.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string_view>

#include "state/tree_walk.h"

namespace buildjail {

namespace {

class Changed final : public TreeWalk {
 public:
  Changed(std::string path, ChangedSince& since, const char* step) : TreeWalk(std::move(path), step), since_(since) {}

  std::vector<std::string> found{};

 private:
  [[nodiscard]] bool may_open_up(const FileState& folder) const override { return folder.uid == ::geteuid(); }

  Result<bool> visit(int, FileState& file, std::string_view name) override {
    // Moving a folder here changes the folder, and not the files in it.
    if (since_.has(file)) {
      found.push_back(path_of(name));
      return false;
    }
    if (S_ISDIR(file.mode) && (file.mode & S_IRWXU) != S_IRWXU) since_.open_up(file);
    return true;
  }

  ChangedSince& since_;
};

}  // namespace

bool ChangedSince::has(const FileState& file) const {
  constexpr std::int64_t kSecond = 1000000000;
  // Some file systems keep whole seconds. The clock moves in steps elsewhere too, but no command comes to read a file
  // within a step of its launch.
  const std::int64_t since_ns = file.changed_ns % kSecond == 0 ? since_ns_ - since_ns_ % kSecond : since_ns_ + 1;
  // defence: applied-over-nothing-newer
  if (file.changed_ns < since_ns || opened_.contains({file.dev, file.ino})) return false;
  const auto own = own_.find({file.dev, file.ino});
  return own == own_.end() || own->second != file.changed_ns;
}

Result<std::vector<std::string>> changed_in(int folder, std::string path, ChangedSince& since, const char* step) {
  Changed walk(std::move(path), since, step);
  auto status = walk.run(folder);
  if (!status) return std::move(status.error());
  return std::move(walk.found);
}

}  // namespace buildjail
