#pragma once

#include <string>

namespace buildjail {

/** Something that keeps envelopes from being opened, or from more than that, and the one thing to do about it. */
struct Obstacle {
  std::string check;
  std::string problem;
  std::string remedy;
};

}  // namespace buildjail
