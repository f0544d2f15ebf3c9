#pragma once

#include <sys/param.h>
#include <sys/mount.h>

#include <string>
#include <utility>
#include <vector>

#include "envelope/part.h"
#include "freebsd/mounts.h"
#include "freebsd/nested_sources.h"
#include "plan/plan.h"

namespace buildjail {

/** The root made read-only, once everything is mounted in it. It goes with the root. */
class Seal final : public Part {
 public:
  /** All outlive it but `binds`: those of the whole session. */
  Seal(const EnvelopePlan& plan, const std::string& id, const std::string& root, std::vector<const Bind*> binds,
       SpareList& mounted)
      : plan_(plan), id_(id), root_(root), binds_(std::move(binds)), mounted_(mounted) {}

  [[nodiscard]] std::string_view step() const override { return "seal-root"; }
  [[nodiscard]] std::string_view target() const override { return "/"; }
  /** EBUSY when a session writes to a folder around a source of this one, or the other way round. */
  Status make(Trace& trace) override {
    if (auto status = refuse_nested_sources(binds_, plan_.state_directory, id_, mounted_); !status) return status;
    trace.mark("nested-sources");
    auto options = file_system("tmpfs", root_);
    options.add_errmsg();
    return nmount_options(options, MNT_UPDATE | MNT_RDONLY | MNT_NOSUID, "seal-root", "/");
  }

 private:
  const EnvelopePlan& plan_;
  const std::string& id_;
  const std::string& root_;
  std::vector<const Bind*> binds_;
  SpareList& mounted_;
};

}  // namespace buildjail
