#pragma once

#include <string>
#include <string_view>

#include "envelope/output.h"
#include "envelope/part.h"
#include "freebsd/mounts.h"
#include "freebsd/parts/mount.h"
#include "plan/plan.h"

namespace buildjail {

/** A folder whose entries are mounted one by one. This part makes nothing: it checks that the plan lists the folder. */
class ListedFolder final : public Part {
 public:
  /** `listed` outlives it. */
  explicit ListedFolder(const Listed& listed) : listed_(listed) {}

  [[nodiscard]] std::string_view step() const override { return "list"; }
  [[nodiscard]] std::string_view target() const override { return listed_.target; }
  /** ESTALE: an entry was made or removed since the plan was made. */
  Status make(Trace&) override;

 private:
  const Listed& listed_;
};

/** A directory or file of the host, inside. */
class Nullfs final : public Mount {
 public:
  /** All outlive it. `lease` is null unless it is an output. */
  Nullfs(SessionJail& jail, const Bind& bind, const OutputLease* lease, MountIds& ids)
      : Mount(jail, bind.target), bind_(bind), lease_(lease), ids_(ids) {}

  /** ESTALE: the source is not the file of the plan, or it was exchanged while it was mounted. */
  Status make(Trace&) override;

 private:
  const Bind& bind_;
  const OutputLease* lease_;
  MountIds& ids_;
};

/** Whether `inner` shows the very folder that is its mount point. */
bool shows_its_point(const Bind& outer, const Bind& inner);

/**
 * An empty file system between a folder and itself: nullfs(4) refuses to be mounted on the folder that it shows
 * (EDEADLK).
 */
class Padding final : public Mount {
 public:
  /** Both outlive it. */
  Padding(SessionJail& jail, const Bind& bind) : Mount(jail, bind.target), bind_(bind) {}

  Status make(Trace&) override;

 private:
  const Bind& bind_;
};

/** A folder or file of the host in another that is mounted from there. No name in that leads anywhere else. */
class NestedNullfs final : public Mount {
 public:
  /** All outlive it. `lease` is null unless it is an output. */
  NestedNullfs(SessionJail& jail, const Bind& bind, const Bind& outer, const OutputLease* lease)
      : Mount(jail, bind.target), bind_(bind), lease_(lease), is_padded_(shows_its_point(outer, bind)) {}

  Status make(Trace&) override;

 private:
  /** nmount(2) knows a file by its name alone, so no other user may be able to put a link there meanwhile. */
  [[nodiscard]] Status confirm_name(int folder, const std::string& name) const;

  [[nodiscard]] Status confirm(int source, int flags) const;

  const Bind& bind_;
  const OutputLease* lease_;
  bool is_padded_;
};

}  // namespace buildjail
