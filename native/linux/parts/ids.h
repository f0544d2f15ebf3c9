#pragma once

#include <string_view>

#include "envelope/part.h"
#include "linux/user_spaces.h"

namespace buildjail {

/** The ids of the host that a session has, with its user namespace. It is there before anything that is owned by them.
 */
class IdsPart final : public Part {
 public:
  /** Both outlive it. `space` is empty where the session has no range. */
  IdsPart(UserSpaces& spaces, UserSpace& space) : spaces_(spaces), space_(space) {}

  [[nodiscard]] std::string_view step() const override { return space_ ? "ids" : ""; }
  Status make(Trace&) override { return {}; }
  Status take_away(TakingAway&) override { return spaces_.give_back(space_); }

 private:
  UserSpaces& spaces_;
  UserSpace& space_;
};

}  // namespace buildjail
