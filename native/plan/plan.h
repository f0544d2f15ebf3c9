#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "plan/wire_reader.h"

namespace buildjail {

// The steps of opening an envelope, as src/native/wire-plan.ts orders them. Targets are absolute inside the root.

struct MakeDirectory {
  std::string target;
  mode_t mode;
};

/** An empty file for a file to be mounted on. */
struct MakeFile {
  std::string target;
};

struct MakeLink {
  std::string target;
  std::string value;
};

struct MountTmpfs {
  std::string target;
  std::uint64_t size;
};

struct MountDev {
  std::string target;
};

struct MountProc {
  std::string target;
};

struct Bind {
  std::string target;
  std::string source;
  bool is_file;
  bool is_writable;
  /** Of the source when it was planned; both 0 when that does not matter. */
  std::uint64_t dev;
  std::uint64_t ino;
};

using Step = std::variant<MakeDirectory, MakeFile, MakeLink, MountTmpfs, MountDev, MountProc, Bind>;

struct BuildUser {
  uid_t uid;
  gid_t gid;
  std::vector<gid_t> groups;
};

struct EnvelopePlan {
  std::string name;
  std::string state_directory;
  std::string hostname;
  bool is_host_network;
  /** More steps follow, by Envelope::complete. */
  bool is_base;
  BuildUser user;
  std::vector<Step> steps;
};

/** Read once, and used by every envelope that is made of it. */
using SharedPlan = std::shared_ptr<const EnvelopePlan>;

/** EINVAL when the bytes are no plan of this version. */
Result<EnvelopePlan> read_plan(std::span<const std::byte> bytes);

/** What can follow a base: directories, files to be mounted on, and binds. Refuses the reader where it is not that. */
std::vector<Step> read_rest(WireReader& reader);

/** Also in src/native/wire-writer.ts. */
inline constexpr std::uint32_t kWireVersion = 5;

}  // namespace buildjail
