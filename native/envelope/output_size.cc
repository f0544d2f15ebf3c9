#include "envelope/output_size.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "base/unique_fd.h"
#include "state/tree_walk.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "limits";
/** Of st_blocks, whatever the blocks of the file system are (stat(2), stat(3type)). */
constexpr std::uint64_t kBlock = 512;

class Measuring final : public TreeWalk {
 public:
  explicit Measuring(const std::string& path) : TreeWalk(path, kStep) {}
  [[nodiscard]] const OutputSize& size() const { return size_; }

 private:
  // A folder that its build has shut is counted as one, and looked into where that can be done without opening it up.
  [[nodiscard]] bool may_open_up(const FileState&) const override { return false; }
  Status begin() override {
    size_ = {};
    return {};
  }
  Result<bool> visit(int fd, FileState&, std::string_view name) override {
    struct stat found{};
    if (::fstat(fd, &found) != 0) return failure("fstat", name);
    size_.bytes += static_cast<std::uint64_t>(found.st_blocks) * kBlock;
    size_.files += 1;
    return true;
  }

  OutputSize size_;
};

}  // namespace

Result<OutputSize> size_of_outputs(const std::vector<std::string>& folders) {
  OutputSize all;
  for (const std::string& folder : folders) {
    const UniqueFd top(::open(folder.c_str(), kReadFolder));
    if (!top) return last_error(kStep, "open", folder);
    Measuring measuring(folder);
    if (auto status = measuring.run(top.get()); !status) return std::move(status.error());
    all.bytes += measuring.size().bytes;
    all.files += measuring.size().files;
  }
  return all;
}

}  // namespace buildjail
