#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"

namespace buildjail {

/** The addresses of a name, as the host finds them (getaddrinfo(3)). */
struct Looked {
  /** Without those that no name may lead to, in the order in which they are to be tried. */
  std::vector<Address> addresses{};
  /** The first of the others: of private networks, or the host's own. */
  std::optional<Address> refused{};
};

/**
 * Look-ups of names for one session, on a few threads of its own: a name that takes long holds up no other session, and
 * is looked up once for all that wait for it.
 * getaddrinfo(3) cannot be interrupted, so these threads are not waited for: each ends by itself. The only memory that
 * they share with the host program is this object's, which they keep.
 */
class Lookups {
 public:
  using Told = std::function<void(Looked)>;

  /** `declared`: entries of the session that are addresses. A name may lead to these, too. */
  explicit Lookups(std::vector<Address> declared);
  Lookups& operator=(Lookups&&) = delete;
  /** `told` is not called any more. */
  ~Lookups();

  /** Never waits. `told` is called once, on any thread. */
  void ask(std::uint64_t number, std::string name, std::uint16_t port, Told told);
  /** The answer to that question is not wanted any more. It is not looked up, unless that has begun. */
  void forget(std::uint64_t number);

 private:
  struct State;
  static void loop(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;
};

/** Looks a name up. It may wait for as long as the host's resolver does. */
Looked look_up(const std::string& name, std::uint16_t port, const std::vector<Address>& declared);

/** Removes the addresses that no name may lead to, and puts the first of both families in turns (RFC 8305, 4). */
Looked usable(std::vector<Address> found, const std::vector<Address>& of_host, const std::vector<Address>& declared);

}  // namespace buildjail
