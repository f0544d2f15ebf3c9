#include "plan/plan.h"

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "plan/wire_reader.h"

namespace buildjail {

namespace {

enum class Operation : std::uint8_t { kDirectory, kFile, kLink, kTmpfs, kDev, kProc, kBind };

// An absolute path in which no component is empty, `.` or `..`: what the plan promised, and what makes it safe to
// append a target to the root's own path.
bool is_plain_target(const std::string& target) {
  if (target.size() < 2 || target.front() != '/') return false;
  std::size_t begin = 1;
  while (begin <= target.size()) {
    const std::size_t end = std::min(target.find('/', begin), target.size());
    const auto component = std::string_view(target).substr(begin, end - begin);
    if (component.empty() || component == "." || component == "..") return false;
    begin = end + 1;
  }
  return true;
}

std::string read_target(WireReader& reader) {
  std::string target = reader.string();
  if (!is_plain_target(target)) reader.refuse();
  return target;
}

Bind read_bind(WireReader& reader) {
  std::string target = read_target(reader);
  std::string source = reader.string();
  const bool is_file = reader.u8() == 1;
  const bool is_writable = reader.u8() == 1;
  const std::uint64_t dev = reader.u64();
  const std::uint64_t ino = reader.u64();
  if (source.empty() || source.front() != '/') reader.refuse();
  return {std::move(target), std::move(source), is_file, is_writable, dev, ino};
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
      return MountTmpfs{std::move(target), reader.u64()};
    }
    case Operation::kDev:
      return MountDev{read_target(reader)};
    case Operation::kProc:
      return MountProc{read_target(reader)};
    case Operation::kBind:
      return read_bind(reader);
  }
  reader.refuse();
  return MakeFile{};
}

}  // namespace

Result<EnvelopePlan> read_plan(std::span<const std::byte> bytes) {
  WireReader reader(bytes);
  EnvelopePlan plan{};
  if (reader.u32() != kWireVersion) reader.refuse();
  plan.name = reader.string();
  plan.state_directory = reader.string();
  plan.hostname = reader.string();
  plan.is_host_network = reader.u8() == 1;
  plan.is_base = reader.u8() == 1;
  plan.user.uid = reader.u32();
  plan.user.gid = reader.u32();
  plan.user.groups = reader.list<gid_t>([](WireReader& from) { return from.u32(); });
  plan.steps = reader.list<Step>(read_step);
  if (!reader.is_complete() || plan.state_directory.empty()) {
    return SysError{
        .step = "plan", .syscall = "read_plan", .err = EINVAL, .path = {}, .dest = {}, .detail = "malformed plan"};
  }
  return plan;
}

std::vector<Step> read_rest(WireReader& reader) {
  auto steps = reader.list<Step>(read_step);
  const bool is_rest = std::all_of(steps.begin(), steps.end(), [](const Step& step) {
    return std::holds_alternative<MakeDirectory>(step) || std::holds_alternative<MakeFile>(step) ||
           std::holds_alternative<Bind>(step);
  });
  if (!is_rest) reader.refuse();
  return steps;
}

}  // namespace buildjail
