#pragma once

#include <string>
#include <vector>

#include "core/plan.h"
#include "core/result.h"
#include "core/trace.h"
#include "core/unique_fd.h"
#include "freebsd/mounts.h"

namespace buildjail {

/** A bind whose source is held by a descriptor: from here on its name may mean whatever it likes. */
class PinnedBind {
 public:
  /** ESTALE when the source is another file by now than when it was planned. */
  static Result<PinnedBind> pin(const Bind& bind);

  [[nodiscard]] const Bind& bind() const noexcept { return *bind_; }
  /** For a directory, itself; for a file, the directory it lies in: what `from` is looked up in. */
  [[nodiscard]] int lookup_fd() const noexcept { return bind_->is_file ? parent_.get() : source_.get(); }
  [[nodiscard]] std::string from() const;
  /** Whether what is mounted at `path` is what was pinned. */
  [[nodiscard]] Status verify(const std::string& path) const;
  /** Hands over the source's descriptor. */
  UniqueFd release() { return std::move(source_); }

 private:
  PinnedBind(const Bind& bind, UniqueFd source, UniqueFd parent) : bind_(&bind), source_(std::move(source)), parent_(std::move(parent)) {}

  const Bind* bind_;
  UniqueFd source_;
  UniqueFd parent_;
};

/**
 * Mounts all binds below `root` by nullfs(4), read-only where they are not writable, nosuid always.
 * nmount(2) knows paths only. So that a path swapped meanwhile cannot matter, it is done in a vfork(2)ed child, which has a
 * working directory of its own: that is set to the pinned source by fchdir(2), and the source's name is then `.`.
 */
Status mount_binds(const std::vector<PinnedBind>& binds, const std::string& root, MountStack& mounts, Trace& trace);

}  // namespace buildjail
