#pragma once

#include <sys/stat.h>

#include <string>

#include "envelope/part.h"
#include "plan/plan.h"

namespace buildjail {

/** A directory of the root's own file system, with which it goes. */
class Directory final : public Part {
 public:
  /** All outlive it. */
  Directory(const std::string& root, const MakeDirectory& wanted) : root_(root), wanted_(wanted) {}

  [[nodiscard]] std::string_view step() const override { return "mkdir"; }
  [[nodiscard]] std::string_view target() const override { return wanted_.target; }
  Status make(Trace&) override {
    const std::string path = root_ + wanted_.target;
    if (::mkdir(path.c_str(), wanted_.mode) != 0) return last_error({}, "mkdir");
    // The umask is the host program's, and not ours to change.
    if (::chmod(path.c_str(), wanted_.mode) != 0) return last_error({}, "chmod");
    return {};
  }

 private:
  const std::string& root_;
  const MakeDirectory& wanted_;
};

}  // namespace buildjail
