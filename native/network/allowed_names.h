#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "plan/plan.h"

namespace buildjail {

/** A name or an address that a session may connect to. */
struct AllowedName {
  enum class Kind : std::uint8_t { kName, kAddress, kHost };

  Kind kind;
  /** In lower case; the text of the address; `host`. */
  std::string name;
  /** In the session's network. Its port means nothing. */
  Address inside;
  std::vector<std::uint16_t> ports;
};

/** The names and addresses of a plan, and their addresses in the session's network. */
class AllowedNames {
 public:
  /** Names that a wildcard stands for, in one session. */
  static constexpr std::size_t kMostWildcardNames = 64;
  /** Sockets for these, which are made before any of them is known. */
  static constexpr std::size_t kMostSpareSockets = 192;
  static constexpr std::size_t kMostListeners = 512;

  explicit AllowedNames(const PlannedNetwork& network);

  /** E2BIG if the names and ports need more sockets than a session may have. */
  [[nodiscard]] Status confirm() const;

  /** Each has listeners from the beginning, one for each of its ports. */
  [[nodiscard]] const std::vector<AllowedName>& listed() const noexcept { return listed_; }
  /** Null for a name that is not among them. The name is in lower case. */
  [[nodiscard]] const AllowedName* find(std::string_view name) const;
  /** The ports of all wildcards that stand for the name; empty if none does. */
  [[nodiscard]] std::vector<std::uint16_t> wildcard_ports(std::string_view name) const;
  [[nodiscard]] std::size_t spare_sockets() const noexcept { return spare_sockets_; }
  /** The address of a name that a wildcard stands for, by its number. */
  [[nodiscard]] static Address wildcard_address(std::size_t number);

  /** The address of the session's resolver. */
  [[nodiscard]] static Address resolver();

 private:
  struct Wildcard {
    /** `.example.net` */
    std::string end;
    std::uint16_t port;
  };

  void add(AllowedName::Kind kind, const std::string& name, const Address& address, std::uint16_t port);
  AllowedName* find_listed(AllowedName::Kind kind, std::string_view name);

  std::vector<AllowedName> listed_;
  std::vector<Wildcard> wildcards_;
  std::size_t spare_sockets_ = 0;
};

}  // namespace buildjail
