#pragma once

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>
#include <variant>

#include "base/unique_fd.h"
#include "envelope/part.h"
#include "freebsd/new_file.h"
#include "plan/plan.h"

namespace buildjail {

/** A directory, an empty file or a link in the root's own file system, with which it goes. */
class Skeleton final : public Part {
 public:
  using Wanted = std::variant<const MakeDirectory*, const MakeFile*, const MakeLink*, const WriteText*>;
  /** Both outlive it. */
  Skeleton(const std::string& root, Wanted wanted) : root_(root), wanted_(wanted) {}

  [[nodiscard]] std::string_view step() const override {
    static constexpr std::array<std::string_view, 4> kSteps{"mkdir", "create", "symlink", "write"};
    return kSteps.at(wanted_.index());
  }
  [[nodiscard]] std::string_view target() const override {
    return std::visit([](const auto* one) -> std::string_view { return one->target; }, wanted_);
  }
  Status make(Trace&) override {
    const std::string path = root_ + std::string(target());
    return std::visit([&path](const auto* one) { return make_at(path, *one); }, wanted_);
  }

 private:
  static Status make_at(const std::string& path, const MakeDirectory& directory) {
    if (::mkdir(path.c_str(), directory.mode) != 0) return last_error({}, "mkdir");
    // The umask is the host program's, and not ours to change.
    return ::chmod(path.c_str(), directory.mode) == 0 ? Status() : last_error({}, "chmod");
  }
  /** For another file to be mounted on. */
  static Status make_at(const std::string& path, const MakeFile&) {
    const UniqueFd made(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
    return made ? Status() : last_error({}, "open");
  }
  static Status make_at(const std::string& path, const WriteText& wanted) { return write_new_file(path, wanted.text); }
  static Status make_at(const std::string& path, const MakeLink& link) {
    return ::symlink(link.value.c_str(), path.c_str()) == 0 ? Status() : last_error({}, "symlink");
  }

  const std::string& root_;
  Wanted wanted_;
};

}  // namespace buildjail
