#include "freebsd/parts.h"

#include <memory>
#include <utility>
#include <variant>

#include "freebsd/parts/mount.h"
#include "freebsd/parts/sources.h"

namespace buildjail {

namespace {

template <class... Calls>
struct Overloaded : Calls... {
  using Calls::operator()...;
};
template <class... Calls>
Overloaded(Calls...) -> Overloaded<Calls...>;

}  // namespace

void Steps::add_planned(JailOpening& opening, Parts& parts) {
  SessionJail& jail = opening.jail;
  FreebsdHost& host = opening.host;
  const auto skeleton = [&jail](const auto& one) { return std::make_unique<Skeleton>(jail.root, &one); };
  using Made = std::unique_ptr<Part>;
  const Overloaded part_of{
      [&](const MakeDirectory& one) -> Made { return skeleton(one); },
      [&](const MakeFile& one) -> Made { return skeleton(one); },
      [&](const MakeLink& one) -> Made { return skeleton(one); },
      [&](const WriteText& one) -> Made {
        if (one.target == Accounts::kText) return std::make_unique<Accounts>(jail.root, one, jail.user);
        return skeleton(one);
      },
      [&](const MountTmpfs& one) -> Made { return std::make_unique<Tmpfs>(jail, one); },
      [&](const MountProc& one) -> Made { return std::make_unique<Procfs>(jail, one); },
      [&](const MountDev& one) -> Made { return std::make_unique<Devfs>(jail, one, host.devfs_ruleset); },
      [](const Listed& one) -> Made { return std::make_unique<ListedFolder>(one); },
      [&](const Bind& one) -> Made {
        const OutputLease* const lease = opening.lease_of(one);
        const auto outer = opening.nesting.find(&one);
        if (outer == opening.nesting.end()) return std::make_unique<Nullfs>(jail, one, lease, host.nullfs_ids);
        if (shows_its_point(*outer->second, one)) parts.push_back(std::make_unique<Padding>(jail, one));
        return std::make_unique<NestedNullfs>(jail, one, *outer->second, lease);
      }};
  for (const Step& step : opening.steps) {
    // A part that stands on another adds that one itself.
    auto part = std::visit(part_of, step);
    parts.push_back(std::move(part));
  }
}

}  // namespace buildjail
