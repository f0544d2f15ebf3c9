#pragma once

#include <fcntl.h>

#include <string>

#include "base/unique_fd.h"
#include "envelope/part.h"
#include "plan/plan.h"

namespace buildjail {

/** An empty file of the root's own file system, for another to be mounted on; it goes with that file system. */
class File final : public Part {
 public:
  /** All outlive it. */
  File(const std::string& root, const MakeFile& wanted) : root_(root), wanted_(wanted) {}

  [[nodiscard]] std::string_view step() const override { return "create"; }
  [[nodiscard]] std::string_view target() const override { return wanted_.target; }
  Status make(Trace&) override {
    const UniqueFd made(::open((root_ + wanted_.target).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
    return made ? Status() : last_error({}, "open");
  }

 private:
  const std::string& root_;
  const MakeFile& wanted_;
};

}  // namespace buildjail
