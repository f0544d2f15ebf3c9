#pragma once

#include <cstdint>
#include <string>

namespace buildjail {

/** The network of a session. */
struct PlannedNetwork {
  /** Also in src/native/wire-plan.ts. */
  enum class Kind : std::uint8_t { kNone, kHost, kLoopback, kInterface, kNamespace };

  Kind kind = Kind::kNone;
  /** Of the host: the name of an interface (FreeBSD), the path of a network namespace (Linux). Empty of the others. */
  std::string handed_in{};

  [[nodiscard]] bool is_host() const { return kind == Kind::kHost; }
  [[nodiscard]] bool is_handed_in() const { return kind == Kind::kInterface || kind == Kind::kNamespace; }
};

}  // namespace buildjail
