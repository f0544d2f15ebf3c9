#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "plan/plan.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace buildjail {

/**
 * The source of a bind, held by a descriptor since before it is mounted. nmount(2) knows sources by path only, and a
 * path can be made to mean something else at any moment; what got mounted is therefore compared with what is held.
 * Until that is done nobody but us can reach the mount.
 */
class PinnedSource {
 public:
  /** ESTALE when the source is another file by now than when it was planned. */
  static Result<PinnedSource> pin(const Bind& bind);

  [[nodiscard]] const Bind& bind() const noexcept { return *bind_; }
  /** The device (stat(2)) of what is mounted at `path`; ESTALE when that is not what is held. */
  [[nodiscard]] Result<std::uint64_t> verify(const std::string& path) const;
  /** Hands over the descriptor. */
  UniqueFd release() { return std::move(fd_); }

 private:
  PinnedSource(const Bind& bind, UniqueFd fd) : bind_(&bind), fd_(std::move(fd)) {}

  const Bind* bind_;
  UniqueFd fd_;
};

}  // namespace buildjail
