#include "linux/cgroups.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/text.h"
#include "linux/mount_table.h"
#include "state/files.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "limits";
constexpr const char* kOwn = "/proc/self/cgroup";
constexpr std::array kAll{kMemory, kPids, kCpu, kCpuTime};

bool has_word(std::string_view words, std::string_view wanted, char separator) {
  while (!words.empty()) {
    std::string_view word = cut(words, separator);
    if (word.ends_with('\n')) word.remove_suffix(1);
    if (word == wanted) return true;
  }
  return false;
}

bool may_write(const std::string& path) { return ::access(path.c_str(), W_OK) == 0; }

/** Those of `wanted` that a file lists. Every cgroup counts time, so no file needs to list that. */
Controllers named_in(const std::string& path, const Controllers& wanted) {
  const auto text = text_of(path);
  Controllers named = wanted;
  std::erase_if(named,
                [&text](std::string_view one) { return one != kCpuTime && !(text && has_word(*text, one, ' ')); });
  return named;
}

Controllers without(Controllers all, const Controllers& taken) {
  std::erase_if(all, [&taken](std::string_view one) { return taken.contains(one); });
  return all;
}

/** Whether it is the root cgroup: only that one may both hold processes and give controllers (cgroups(7)). */
bool is_root_of_all(const std::string& directory) { return ::access((directory + "/cgroup.type").c_str(), F_OK) != 0; }

/** Whether this process can make a session's cgroup in there. */
bool can_be_parent(const std::string& directory, const Controllers& wanted) {
  if (named_in(directory + "/cgroup.controllers", wanted) != wanted) return false;
  if (!may_write(directory) || !may_write(directory + "/cgroup.procs")) return false;
  const std::string given = directory + "/cgroup.subtree_control";
  if (named_in(given, wanted) == wanted) return true;
  if (!may_write(given)) return false;
  if (is_root_of_all(directory)) return true;
  const auto processes = text_of(directory + "/cgroup.procs");
  return processes && processes->empty();
}

std::string list_of(const Controllers& set) {
  std::string list;
  for (const std::string_view one : set) list.append(list.empty() ? "" : ", ").append(one);
  return list;
}

constexpr const char* kDelegate =
    "begin it as root, or by systemd-run --user --scope -p Delegate=yes, or in a service with Delegate=yes and "
    "DelegateSubgroup= (systemd.resource-control(5))";

Obstacle not_mounted(const Controllers& missing) {
  return {"limits", "no file system of cgroups is mounted here that has " + list_of(missing),
          "mount one (cgroups(7)), or begin the kernel with cgroup_enable=memory where that is what is missing"};
}

Obstacle not_ours(const Controllers& missing, const std::string& directory) {
  return {"limits",
          "this process is in the cgroup " + directory + ", and neither there nor above may it make one that has " +
              list_of(missing),
          kDelegate};
}

Obstacle of_version_one(const std::string& directory) {
  const std::string remedy =
      ::geteuid() == 0
          ? "mount " + directory + " so that it can be written to (of a container, by beginning it with --privileged)"
          : "begin it as root, or boot the host with cgroups of version 2, of which users can have their own "
            "(systemd.unified_cgroup_hierarchy=1 among the parameters of the kernel)";
  return {"limits",
          "this host has control groups (cgroups) of version 1, which only root may make, and this process may make "
          "none in " +
              directory,
          remedy + "; the policy best-effort leaves out what cannot be held"};
}

SysError not_held(Limit limit, const Obstacle& why) {
  return {.step = kStep,
          .syscall = "mkdir",
          .err = ENOTSUP,
          .detail = why.problem,
          .limit = std::string(limit.name),
          .remedy = why.remedy};
}

/** A limit of the plan, the controller that enforces it, and how to take it out of the plan. */
struct LimitControl {
  Limit limit;
  std::string_view by;
  bool is_wanted;
  void (*leave_out)(Limits&);
};

}  // namespace

Result<PlacedLimits> CgroupPlaces::place(const Limits& limits) {
  const std::array<LimitControl, 5> controls{
      {{Limit::kMemory, kMemory, limits.memory.has_value(), [](Limits& held) { held.memory.reset(); }},
       {Limit::kSwap, kMemory, limits.swap.has_value(), [](Limits& held) { held.swap.reset(); }},
       {Limit::kProcesses, kPids, limits.processes.has_value(), [](Limits& held) { held.processes.reset(); }},
       {Limit::kCpus, kCpu, limits.cpus.has_value(), [](Limits& held) { held.cpus.reset(); }},
       {Limit::kCpuTime, kCpuTime, limits.counts_cpu_time, [](Limits& held) { held.counts_cpu_time = false; }}}};
  PlacedLimits placed{.places = {}, .held = limits};
  Controllers wanted;
  for (const LimitControl& one : controls) {
    if (one.is_wanted) wanted.insert(one.by);
  }
  auto found = find(wanted);
  if (!found) return std::move(found.error());
  for (const LimitControl& one : controls) {
    if (!one.is_wanted || !found->missing.contains(one.by)) continue;
    // defence: limit-cannot-held-refuses
    if (!limits.is_best_effort) return not_held(one.limit, found->why);
    one.leave_out(placed.held);
  }
  const auto memory =
      std::ranges::find_if(found->places, [](const CgroupPlace& place) { return place.controllers.contains(kMemory); });
  if (placed.held.swap && memory != found->places.end() && !memory->is_unified) {
    // Version 1 counts swap and memory together (memory.memsw.limit_in_bytes).
    const bool is_counted = may_write(memory->directory + "/memory.memsw.limit_in_bytes");
    if (!is_counted || !placed.held.memory) {
      if (!limits.is_best_effort)
        return not_held(Limit::kSwap, {"limits",
                                       is_counted ? "cgroups of version 1 hold swap only together with memory"
                                                  : "the kernel does not count swap",
                                       is_counted ? "limit memory as well" : "begin the kernel with swapaccount=1"});
      placed.held.swap.reset();
    }
  }
  if (!placed.held.is_empty()) placed.places = std::move(found->places);
  return placed;
}

std::optional<Obstacle> CgroupPlaces::find_limitation() {
  const auto found = find({kAll.begin(), kAll.end()});
  if (!found)
    return Obstacle{"limits", found.error().syscall + " " + found.error().path + ": " + errno_name(found.error().err),
                    "mount /proc"};
  if (found->missing.empty()) return std::nullopt;
  Obstacle told = found->why;
  told.problem = "limits of memory, processes, cpus and cpuTime cannot all be held: " + told.problem;
  return told;
}

Result<CgroupPlaces::Placement> CgroupPlaces::find(const Controllers& wanted) {
  const std::lock_guard lock(mutex_);
  if (hierarchies_.empty()) {
    if (auto status = find_hierarchies(); !status) return std::move(status.error());
  }
  auto own = read_text_file(kStep, kOwn);
  if (!own) return std::move(own.error());
  if (*own != own_) {
    own_ = std::move(*own);
    found_.clear();
  }
  if (const auto known = found_.find(wanted); known != found_.end()) return known->second;
  Placement found = look(wanted);
  // Missing controllers are looked for again each time, because an administrator may have added them.
  if (found.missing.empty()) found_.emplace(wanted, found);
  return found;
}

Status CgroupPlaces::find_hierarchies() {
  auto mounts = read_mounts(kStep);
  if (!mounts) return std::move(mounts.error());
  for (MountLine& mount : *mounts) {
    if (mount.type != "cgroup" && mount.type != "cgroup2") continue;
    Hierarchy hierarchy{.is_unified = mount.type == "cgroup2",
                        .mounted_on = std::move(mount.on),
                        .root = std::move(mount.root),
                        .controllers = {}};
    for (std::string_view rest = mount.options; !rest.empty();) hierarchy.controllers.emplace(cut(rest, ','));
    hierarchies_.push_back(std::move(hierarchy));
  }
  return {};
}

std::optional<std::string> CgroupPlaces::own_directory(const Hierarchy& hierarchy) const {
  // `hierarchy:controllers:path`; version 2 has no controllers there (cgroups(7), /proc/pid/cgroup).
  for (std::string_view rest = own_; !rest.empty();) {
    std::string_view line = cut(rest, '\n');
    cut(line, ':');
    const std::string_view controllers = cut(line, ':');
    const bool is_its = hierarchy.is_unified
                            ? controllers.empty()
                            : std::ranges::any_of(hierarchy.controllers, [controllers](const std::string& one) {
                                return has_word(controllers, one, ',');
                              });
    if (!is_its) continue;
    if (!line.starts_with('/') || line.starts_with("/..") || !is_within(line, hierarchy.root)) return std::nullopt;
    if (hierarchy.root != "/") line.remove_prefix(hierarchy.root.size());
    return hierarchy.mounted_on + (line == "/" ? "" : std::string(line));
  }
  return std::nullopt;
}

CgroupPlaces::Placement CgroupPlaces::look(const Controllers& wanted) const {
  Placement found;
  look_in_unified(wanted, found);
  Controllers placed;
  for (const CgroupPlace& place : found.places) placed.insert(place.controllers.begin(), place.controllers.end());
  look_in_first_version(without(without(wanted, placed), found.missing), found);
  return found;
}

void CgroupPlaces::look_in_unified(const Controllers& wanted, Placement& found) const {
  const auto unified = std::ranges::find_if(hierarchies_, &Hierarchy::is_unified);
  if (unified == hierarchies_.end()) return;
  // A controller is in one hierarchy only. Version 2 counts time in each cgroup, which is not needed where version 1
  // counts it.
  Controllers here = named_in(unified->mounted_on + "/cgroup.controllers", wanted);
  const bool is_counted_elsewhere =
      std::ranges::any_of(hierarchies_, [](const Hierarchy& one) { return one.controllers.contains(kCpuTime); });
  if (here.empty() || (is_counted_elsewhere && here == Controllers{kCpuTime})) return;
  const auto own = own_directory(*unified);
  const auto parent_for = [&](const Controllers& some) -> std::optional<std::string> {
    if (!own) return std::nullopt;
    for (std::string at = *own; at.size() >= unified->mounted_on.size(); at.resize(at.rfind('/'))) {
      const bool is_own = at.size() == own->size();
      const bool gives_none = some == Controllers{kCpuTime};
      if ((!is_own || gives_none || is_root_of_all(at)) && can_be_parent(at, some)) return at;
    }
    return std::nullopt;
  };
  auto parent = parent_for(here);
  if (!parent) {
    for (const std::string_view one : here) {
      if (!parent_for({one})) found.missing.insert(one);
    }
    here = without(here, found.missing);
    if (!here.empty()) parent = parent_for(here);
    if (!parent) found.missing.insert(here.begin(), here.end());
    found.why = own ? not_ours(found.missing, *own) : not_mounted(found.missing);
  }
  if (parent) found.places.push_back({.is_unified = true, .directory = std::move(*parent), .controllers = here});
}

void CgroupPlaces::look_in_first_version(const Controllers& wanted, Placement& found) const {
  for (const std::string_view one : kAll) {
    const auto hierarchy =
        std::ranges::find_if(hierarchies_, [one](const Hierarchy& other) { return other.controllers.contains(one); });
    const auto own = hierarchy == hierarchies_.end() ? std::nullopt : own_directory(*hierarchy);
    // The time that a session uses is counted too if it has any cgroup and this process may do so.
    const bool is_extra = one == kCpuTime && !wanted.empty();
    if (!wanted.contains(one) && !is_extra) continue;
    if (!own || ::geteuid() != 0 || !may_write(*own)) {
      if (!wanted.contains(one)) continue;
      found.missing.insert(one);
      if (found.why.problem.empty()) found.why = own ? of_version_one(*own) : not_mounted({one});
      continue;
    }
    const auto same = std::ranges::find(found.places, *own, &CgroupPlace::directory);
    if (same != found.places.end())
      same->controllers.insert(one);
    else
      found.places.push_back({.is_unified = false, .directory = *own, .controllers = {one}});
  }
}

}  // namespace buildjail
