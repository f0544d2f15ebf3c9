#pragma once

#include <sys/param.h>
#include <sys/mount.h>

#include <string>

#include "envelope/part.h"
#include "freebsd/mounts.h"
#include "freebsd/opening.h"

namespace buildjail {

/** The root made read-only, once everything is mounted in it. It goes with the root. */
class Seal final : public Part {
 public:
  /** `root` outlives it. */
  explicit Seal(const std::string& root) : root_(root) {}
  static void add_planned(const JailOpening& opening, Parts& parts) {
    if (opening.is_sealed()) parts.push_back(std::make_unique<Seal>(opening.jail.root));
  }

  [[nodiscard]] std::string_view step() const override { return "seal-root"; }
  [[nodiscard]] std::string_view target() const override { return "/"; }
  Status make(Trace&) override {
    auto options = file_system("tmpfs", root_);
    options.add_errmsg();
    // defence: root-read-only-2
    return nmount_options(options, MNT_UPDATE | MNT_RDONLY | MNT_NOSUID, "seal-root", "/");
  }

 private:
  const std::string& root_;
};

}  // namespace buildjail
