#pragma once

#include <string>
#include <variant>

#include "envelope/part.h"
#include "plan/plan.h"

namespace buildjail {

/** A directory, an empty file or a link in the root's own file system, with which it goes. */
class Skeleton final : public Part {
 public:
  using Wanted = std::variant<const MakeDirectory*, const MakeFile*, const MakeLink*>;
  /** Both outlive it. */
  Skeleton(const std::string& root, Wanted wanted) : root_(root), wanted_(wanted) {}

  [[nodiscard]] std::string_view step() const override;
  [[nodiscard]] std::string_view target() const override;
  Status make(Trace& trace) override;

 private:
  const std::string& root_;
  Wanted wanted_;
};

}  // namespace buildjail
