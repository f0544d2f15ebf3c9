#pragma once

#include <sys/stat.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "envelope/part.h"
#include "plan/plan.h"
#include "plan/planned_source.h"

namespace buildjail {

/** A folder whose entries are mounted one by one. Nothing is made for it: the plan says what is in it, and that holds.
 */
class ListedFolder final : public Part {
 public:
  /** `listed` outlives it. */
  explicit ListedFolder(const Listed& listed) : listed_(listed) {}

  [[nodiscard]] std::string_view step() const override { return "list"; }
  [[nodiscard]] std::string_view target() const override { return listed_.target; }
  /** ESTALE when something was made or removed in it since it was planned. */
  Status make(Trace&) override {
    auto source = pin_source(listed_.source);
    if (!source) return std::move(source.error());
    struct stat now{};
    const std::string& path = listed_.source.source;
    if (::fstat(source->get(), &now) != 0) return last_error("pin-source", "fstat", path);
    // defence: folder-listed-planned
    if (nanoseconds(now.st_mtim) == listed_.modified) return {};
    return SysError{.step = "pin-source",
                    .syscall = "fstat",
                    .err = ESTALE,
                    .path = path,
                    .dest = listed_.target,
                    .detail =
                        "something in it was made or removed since the plan was made; plan it again, or let the build "
                        "user in (chmod 711)"};
  }

 private:
  static std::uint64_t nanoseconds(const timespec& time) {
    constexpr std::uint64_t kSecond = 1'000'000'000;
    return static_cast<std::uint64_t>(time.tv_sec) * kSecond + static_cast<std::uint64_t>(time.tv_nsec);
  }

  const Listed& listed_;
};

}  // namespace buildjail
