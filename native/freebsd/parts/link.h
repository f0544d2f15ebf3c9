#pragma once

#include <unistd.h>

#include <string>

#include "envelope/part.h"
#include "plan/plan.h"

namespace buildjail {

/** A symbolic link of the root's own file system, with which it goes. */
class Link final : public Part {
 public:
  /** All outlive it. */
  Link(const std::string& root, const MakeLink& wanted) : root_(root), wanted_(wanted) {}

  [[nodiscard]] std::string_view step() const override { return "symlink"; }
  [[nodiscard]] std::string_view target() const override { return wanted_.target; }
  Status make(Trace&) override {
    if (::symlink(wanted_.value.c_str(), (root_ + wanted_.target).c_str()) != 0) return last_error({}, "symlink");
    return {};
  }

 private:
  const std::string& root_;
  const MakeLink& wanted_;
};

}  // namespace buildjail
