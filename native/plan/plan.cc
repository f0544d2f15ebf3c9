#include "plan/plan.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "base/address.h"
#include "base/text.h"

namespace buildjail {

namespace {

/** The one above means "no user" to chown(2) and setreuid(2). */
constexpr std::uint32_t kLastId = 0xfffffffe;

constexpr const char* kPinStep = "pin-source";

enum class Operation : std::uint8_t { kDirectory, kFile, kLink, kTmpfs, kDev, kProc, kBind, kListed, kText };
/** Also in src/native/wire-plan.ts. */
enum class Access : std::uint8_t { kRead, kWrite, kStore, kOverlay, kCopy };

// An absolute path of names only. Only such a target can safely be appended to the path of the root.
std::string read_target(WireReader& reader) {
  std::string target = reader.string();
  if (!target.starts_with('/') || !is_of_names(std::string_view(target).substr(1))) reader.refuse();
  return target;
}

Bind read_bind(WireReader& reader) {
  std::string target = read_target(reader);
  std::string source = reader.string();
  const bool is_file = reader.u8() == 1;
  const auto access = reader.one_up_to(Access::kCopy);
  const std::uint64_t dev = reader.u64();
  const std::uint64_t ino = reader.u64();
  if (source.empty() || source.front() != '/') reader.refuse();
  if (access != Access::kRead && is_file) reader.refuse();
  return {.target = std::move(target),
          .source = std::move(source),
          .is_file = is_file,
          .is_writable = access == Access::kWrite || access == Access::kStore,
          .dev = dev,
          .ino = ino,
          .is_store = access == Access::kStore,
          .is_overlay = access == Access::kOverlay || access == Access::kCopy,
          .is_copy = access == Access::kCopy};
}

Listed read_listed(WireReader& reader) {
  std::string target = read_target(reader);
  Bind source{.target = target, .source = reader.string(), .is_file = false, .is_writable = false, .dev = 0, .ino = 0};
  source.dev = reader.u64();
  source.ino = reader.u64();
  if (source.source.empty() || source.source.front() != '/') reader.refuse();
  return {std::move(target), std::move(source), reader.u64()};
}

MountDev read_dev(WireReader& reader) {
  MountDev dev{.target = read_target(reader)};
  const std::string folder = dev.target + "/";
  dev.devices = reader.list<NamedDevice>([&folder](WireReader& from) {
    std::string path = read_target(from);
    if (!path.starts_with(folder)) from.refuse();
    const std::uint64_t number = from.u64();
    return NamedDevice{.path = std::move(path), .number = number, .is_block = from.u8() == 1};
  });
  return dev;
}

Step read_step(WireReader& reader) {
  switch (static_cast<Operation>(reader.u8())) {
    case Operation::kDirectory: {
      std::string target = read_target(reader);
      return MakeDirectory{std::move(target), static_cast<mode_t>(reader.u32())};
    }
    case Operation::kFile:
      return MakeFile{read_target(reader)};
    case Operation::kLink: {
      std::string target = read_target(reader);
      return MakeLink{std::move(target), reader.string()};
    }
    case Operation::kTmpfs: {
      std::string target = read_target(reader);
      const std::uint64_t size = reader.u64();
      return MountTmpfs{std::move(target), size, reader.u64()};
    }
    case Operation::kDev:
      return read_dev(reader);
    case Operation::kProc:
      return MountProc{read_target(reader)};
    case Operation::kBind:
      return read_bind(reader);
    case Operation::kListed:
      return read_listed(reader);
    case Operation::kText: {
      std::string target = read_target(reader);
      return WriteText{std::move(target), reader.string()};
    }
  }
  reader.refuse();
  return MakeFile{};
}

/** Whether it can be asked for in DNS (RFC 1035, 2.3.4), and is in lower case. */
bool is_host_name(std::string_view name) {
  constexpr std::size_t kMostName = 253;
  constexpr std::size_t kMostLabel = 63;
  if (name.empty() || name.size() > kMostName || name.ends_with('.')) return false;
  while (!name.empty()) {
    const std::string_view label = cut(name, '.');
    if (label.empty() || label.size() > kMostLabel) return false;
    const bool is_plain = std::ranges::all_of(
        label, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; });
    if (!is_plain) return false;
  }
  return true;
}

AllowedEntry read_allowed(WireReader& reader) {
  using Kind = AllowedEntry::Kind;
  constexpr std::uint32_t kLastPort = 65535;
  AllowedEntry entry{.kind = reader.one_up_to(Kind::kHost), .text = reader.string(), .port = 0};
  const std::uint32_t port = reader.u32();
  if (port == 0 || port > kLastPort) reader.refuse();
  entry.port = static_cast<std::uint16_t>(port);
  const bool is_name = entry.kind == Kind::kName || entry.kind == Kind::kWildcard;
  if (is_name && !is_host_name(entry.text)) reader.refuse();
  if (entry.kind == Kind::kAddress) {
    const auto address = Address::read(entry.text, entry.port);
    if (!address || !address->is_allowable()) reader.refuse();
  }
  if (entry.kind == Kind::kHost && !entry.text.empty()) reader.refuse();
  return entry;
}

PlannedNetwork read_network(WireReader& reader) {
  using Kind = PlannedNetwork::Kind;
  /** IFNAMSIZ, of both systems, with the NUL at its end. */
  constexpr std::size_t kNameRoom = 16;
  PlannedNetwork network{.kind = reader.one_up_to(Kind::kNames), .handed_in = reader.string()};
  const std::string& what = network.handed_in;
  if (network.is_handed_in() == what.empty()) reader.refuse();
  if (network.kind == Kind::kInterface && what.size() >= kNameRoom) reader.refuse();
  if (network.kind == Kind::kNamespace && !what.starts_with('/')) reader.refuse();
  if (network.kind != Kind::kNames) return network;
  constexpr std::size_t kMostAllowed = 256;
  network.checks_tls_names = reader.u8() == 1;
  network.allowed = reader.list<AllowedEntry>(read_allowed);
  if (network.allowed.size() > kMostAllowed) reader.refuse();
  return network;
}

// Also in src/native/wire-plan.ts.
constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};
constexpr std::uint8_t kIsBestEffort = 1;
constexpr std::uint8_t kCountsCpuTime = 2;

std::optional<std::uint64_t> read_limit(WireReader& reader) {
  const std::uint64_t limit = reader.u64();
  return limit == kNoLimit ? std::nullopt : std::optional(limit);
}

Limits read_limits(WireReader& reader) {
  Limits limits;
  for (auto* const limit : {&limits.memory, &limits.swap, &limits.processes, &limits.cpus}) *limit = read_limit(reader);
  const std::uint8_t flags = reader.u8();
  limits.is_best_effort = (flags & kIsBestEffort) != 0;
  limits.counts_cpu_time = (flags & kCountsCpuTime) != 0;
  return limits;
}

/** Component by component: what lies below a target comes straight after it. */
bool comes_before(const Bind* one, const Bind* other) {
  const auto weight = [](char c) { return c == '/' ? 0 : static_cast<int>(static_cast<unsigned char>(c)) + 1; };
  return std::ranges::lexicographical_compare(one->target, other->target, {}, weight, weight);
}

}  // namespace

std::vector<const Bind*> binds_of(const std::vector<Step>& steps) {
  std::vector<const Bind*> binds;
  for (const Step& step : steps) {
    if (const auto* const bind = std::get_if<Bind>(&step)) binds.push_back(bind);
  }
  return binds;
}

std::vector<const Bind*> overlays_of(const std::vector<Step>& steps) {
  auto overlays = binds_of(steps);
  std::erase_if(overlays, [](const Bind* bind) { return !bind->is_overlay; });
  return overlays;
}

std::vector<const Bind*> sources_of(const std::vector<Step>& steps) {
  auto sources = binds_of(steps);
  for (const Step& step : steps) {
    // defence: folder-listed-source-session
    if (const auto* const listed = std::get_if<Listed>(&step)) sources.push_back(&listed->source);
  }
  return sources;
}

Nesting nesting_in(const std::vector<Step>& steps, const std::vector<Step>& earlier) {
  auto binds = binds_of(steps);
  const auto base = binds_of(earlier);
  binds.insert(binds.end(), base.begin(), base.end());
  if (!std::ranges::is_sorted(binds, comes_before)) std::ranges::sort(binds, comes_before);
  Nesting nesting;
  std::vector<const Bind*> around;
  for (const Bind* const bind : binds) {
    while (!around.empty() && !is_below(bind->target, around.back()->target)) around.pop_back();
    if (!around.empty()) nesting.emplace(bind, around.back());
    around.push_back(bind);
  }
  return nesting;
}

Result<EnvelopePlan> read_plan(std::span<const std::byte> bytes) {
  WireReader reader(bytes);
  EnvelopePlan plan{};
  if (reader.u32() != kWireVersion) reader.refuse();
  plan.name = reader.string();
  plan.state_directory = reader.string();
  plan.hostname = reader.string();
  plan.network = read_network(reader);
  plan.is_base = reader.u8() == 1;
  plan.ownership = reader.one_up_to(Ownership::kUnchanged);
  plan.traces = reader.u8() == 1;
  plan.user.uid = reader.u32();
  plan.user.gid = reader.u32();
  plan.user.groups = reader.list<gid_t>([](WireReader& from) { return from.u32(); });
  plan.users = reader.u32();
  plan.allowed = Allowances(reader.u32());
  if (!plan.allowed.is_known()) reader.refuse();
  // Empty if the first is 0: that id would be root's.
  const IdsNamed ids{.first = reader.u32(), .count = reader.u32()};
  if (ids.first != 0) plan.ids = ids;
  plan.limits = read_limits(reader);
  plan.steps = reader.list<Step>(read_step);
  // No user of a pool is root, and each number exists.
  if (plan.users != 0 && (plan.user.uid == 0 || plan.users - 1 > kLastId - plan.user.uid)) reader.refuse();
  if (!reader.is_complete() || plan.state_directory.empty()) {
    return SysError{.step = "plan", .syscall = "read_plan", .err = EINVAL, .detail = "malformed plan"};
  }
  return plan;
}

std::vector<Step> read_rest(WireReader& reader) {
  auto steps = reader.list<Step>(read_step);
  const bool is_rest = std::all_of(steps.begin(), steps.end(), [](const Step& step) {
    return std::holds_alternative<MakeDirectory>(step) || std::holds_alternative<MakeFile>(step) ||
           std::holds_alternative<MakeLink>(step) || std::holds_alternative<Bind>(step) ||
           std::holds_alternative<Listed>(step);
  });
  if (!is_rest) reader.refuse();
  return steps;
}

Result<UniqueFd> pin_source(const Bind& bind) {
  const int kind = bind.is_file ? O_PATH : O_RDONLY | O_DIRECTORY;
  UniqueFd fd(::open(bind.source.c_str(), kind | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return last_error(kPinStep, "open", bind.source);
  struct stat found{};
  if (::fstat(fd.get(), &found) != 0) return last_error(kPinStep, "fstat", bind.source);
  if (is_planned(bind, found)) return fd;
  return SysError{.step = kPinStep, .syscall = "fstat", .err = ESTALE, .path = bind.source, .detail = kStaleSource};
}

Status confirm_device(const std::string& path, const NamedDevice& device, const char* step) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) return last_error(step, "lstat", device.path);
  const mode_t kind = device.is_block ? S_IFBLK : S_IFCHR;
  // defence: device-named-one-planned
  if ((found.st_mode & S_IFMT) == kind && static_cast<std::uint64_t>(found.st_rdev) == device.number) return {};
  return SysError{.step = step,
                  .syscall = "lstat",
                  .err = ESTALE,
                  .path = device.path,
                  .detail = "it is another device than when the plan was made"};
}

}  // namespace buildjail
