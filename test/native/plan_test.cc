// Plans as they come from TypeScript, and what follows from one alone.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "packer.h"
#include "plan/plan.h"
#include "plan/wire_reader.h"

namespace {

using namespace buildjail;  // NOLINT(google-build-using-namespace): all of it is under test

std::vector<std::byte> plan_with_directory(std::string_view target, std::uint32_t version = kWireVersion,
                                           std::uint32_t allowed = 0) {
  Packer packer;
  packer.u32(version)
      .string("name")
      .string("/state")
      .string("host")
      .u8(0)
      .string("")
      .u8(0)
      .u8(0)
      .u8(0)
      .u32(1)
      .u32(2)
      .u32(1)
      .u32(3)
      .u32(0);
  packer.u32(allowed).u32(0).u32(0);
  packer.u64(1U << 20U).u64(0).u64(~std::uint64_t{0}).u64(1500).u8(3);
  packer.u32(2).u8(0).string(target).u32(0755);
  packer.u8(6).string("/inputs/a").string("/source").u8(0).u8(1).u64(7).u64(8);
  return packer.bytes();
}

TEST_CASE("a plan is read as it was packed") {
  const auto plan = read_plan(plan_with_directory("/a/b"));
  const auto* bind = plan ? std::get_if<Bind>(&plan->steps.at(1)) : nullptr;
  REQUIRE(bind != nullptr);
  CHECK(bind->source == "/source");
  CHECK(bind->is_writable);
  CHECK_FALSE(bind->is_file);
  CHECK(bind->dev == 7);
  CHECK(bind->ino == 8);
  CHECK(plan->user.uid == 1);
  CHECK(plan->user.gid == 2);
  CHECK(plan->user.groups == std::vector<gid_t>{3});
}

TEST_CASE("the limits of a plan are read as they were packed: none, none at all, and so many") {
  const auto plan = read_plan(plan_with_directory("/a"));
  REQUIRE(plan);
  const auto& [memory, swap, processes, cpus, counts_cpu_time, is_best_effort] = plan->limits;
  CHECK(memory == 1U << 20U);
  CHECK(swap == 0);
  REQUIRE_FALSE(processes);
  CHECK(cpus == 1500);
  REQUIRE(counts_cpu_time);
  REQUIRE(is_best_effort);
  CHECK_FALSE(plan->limits.is_empty());
  CHECK(Limits{}.is_empty());
}

TEST_CASE("a plan cut short anywhere is refused") {
  const auto whole = plan_with_directory("/a/b");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    REQUIRE_FALSE(read_plan(std::span(whole).first(size)));
  }
}

TEST_CASE("a plan with bytes left over is refused") {
  auto bytes = plan_with_directory("/a");
  bytes.push_back(std::byte{0});
  CHECK_FALSE(read_plan(bytes));
}

TEST_CASE("a plan that allows something unknown is refused") {
  CHECK_FALSE(read_plan(plan_with_directory("/a", kWireVersion, 0x400)));
}

TEST_CASE("a plan of another version is refused") {
  CHECK_FALSE(read_plan(plan_with_directory("/a", kWireVersion + 1)));
}

TEST_CASE("a target that leaves the root is refused, even if TypeScript had let it through") {
  for (const char* target :
       {"", "/", "a", "/..", "/../etc", "/a/../b", "/a/..", "/.", "/a/./b", "//a", "/a//b", "/a/"}) {
    REQUIRE_FALSE(read_plan(plan_with_directory(target)));
  }
}

TEST_CASE("a string with a NUL in it is refused") {
  CHECK_FALSE(read_plan(plan_with_directory(std::string_view("/a\0b", 4))));
}

TEST_CASE("a length that promises more than there is allocates nothing and is refused") {
  Packer packer;
  packer.u32(0xffffffff);
  WireReader reader(packer.bytes());
  CHECK(reader.string().empty());
  CHECK_FALSE(reader.is_complete());
}

TEST_CASE("what lies below others is found, whatever the order, and what only begins alike is not") {
  const auto bind = [](const char* target) {
    return Step(Bind{.target = target, .source = "/s", .is_file = false, .is_writable = false, .dev = 1, .ino = 1});
  };
  const std::vector<Step> base{bind("/w"), bind("/w-b")};
  const std::vector<Step> steps{bind("/w/a/b/c"), bind("/w-b/x"), bind("/w/a"), bind("/w/a-b"), bind("/v")};
  const auto nesting = nesting_in(steps, base);
  const auto outer = [&](std::size_t at) -> std::string {
    const auto found = nesting.find(&std::get<Bind>(steps[at]));
    return found == nesting.end() ? "" : found->second->target;
  };
  CHECK(nesting.size() == 4);
  CHECK(outer(0) == "/w/a");
  CHECK(outer(1) == "/w-b");
  CHECK(outer(2) == "/w");
  CHECK(outer(3) == "/w");
  CHECK(outer(4).empty());
  CHECK(mount_point_in(std::get<Bind>(steps[2]), std::get<Bind>(steps[0])) == "b/c");
}

}  // namespace
