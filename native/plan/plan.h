#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "plan/limits.h"
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

/** A file of the root's own. In /etc/passwd an empty user id is the build user's, where that is leased. */
struct WriteText {
  std::string target;
  std::string text;
};

struct MakeLink {
  std::string target;
  std::string value;
};

struct MountTmpfs {
  std::string target;
  /** In bytes. */
  std::uint64_t size;
  /** How many files and directories there can be. */
  std::uint64_t files;
};

/** A device of the host that a spec names, at the same path inside and out. */
struct NamedDevice {
  std::string path;
  /** Of the device when it was planned (stat(2), st_rdev). */
  std::uint64_t number;
  bool is_block;
};

struct MountDev {
  std::string target;
  /** Below the target. */
  std::vector<NamedDevice> devices{};
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
  /** One that is written to, and in which the build removes nothing but what is its own. */
  bool is_store = false;
  /** The build writes to it, and nothing of that comes to the source, which is read alone. */
  bool is_overlay = false;
};

/** A directory of the root's own, in which each entry of the source is a step of its own. */
struct Listed {
  std::string target;
  /** Nothing is mounted of the directory itself. */
  Bind source;
  /** When the list was made: nanoseconds since 1970. */
  std::uint64_t modified;
};

using Step = std::variant<MakeDirectory, MakeFile, WriteText, MakeLink, MountTmpfs, MountDev, MountProc, Bind, Listed>;

/** The steps outlive the answer. */
std::vector<const Bind*> overlays_of(const std::vector<Step>& steps);

/** What is mounted of the host. The steps outlive the answer. */
std::vector<const Bind*> binds_of(const std::vector<Step>& steps);
/** What of the host the steps show: those, and what is listed. */
std::vector<const Bind*> sources_of(const std::vector<Step>& steps);

/** By what lies below another bind: the nearest bind around it, in which its mount point is. */
using Nesting = std::map<const Bind*, const Bind*>;

/**
 * Of the steps that a session has, which outlive the answer; `earlier` are those of its base. Whoever mounts in what
 * is mounted from the host has to find the way there without links, so this is looked for here and not told by the
 * plan.
 */
Nesting nesting_in(const std::vector<Step>& steps, const std::vector<Step>& earlier);
Nesting nesting_in(const std::vector<Step>& steps);
// The answer would point into steps that are gone.
Nesting nesting_in(std::vector<Step>&& steps) = delete;
Nesting nesting_in(const std::vector<Step>& steps, std::vector<Step>&& earlier) = delete;

/** Where in the outer one the mount point is: `a/b`. */
inline std::string_view mount_point_in(const Bind& outer, const Bind& inner) {
  return std::string_view(inner.target).substr(outer.target.size() + 1);
}

/**
 * What the filter on system calls refuses unless a spec names it in `allow`, by the bit that it has on the wire. Also
 * in src/native/wire-plan.ts.
 */
enum class Allowance : std::uint32_t {
  kUserNamespaces = 1U << 0,
  kIoUring = 1U << 1,
  kKeyring = 1U << 2,
  kPerf = 1U << 3,
  kBpf = 1U << 4,
  kUserfaultfd = 1U << 5,
  kSockets = 1U << 6,
  kSetId = 1U << 7,
  kAttributes = 1U << 8,
  kAio = 1U << 9
};

/** Any number of them. */
class Allowances {
 public:
  constexpr Allowances() = default;
  constexpr explicit Allowances(std::uint32_t bits) : bits_(bits) {}

  [[nodiscard]] constexpr bool is_empty() const { return bits_ == 0; }
  /** Whether there is nothing in it that has no name. */
  [[nodiscard]] constexpr bool is_known() const { return bits_ < static_cast<std::uint32_t>(Allowance::kAio) * 2; }
  [[nodiscard]] constexpr bool has(Allowance one) const { return (bits_ & static_cast<std::uint32_t>(one)) != 0; }

 private:
  std::uint32_t bits_ = 0;
};

/** The network of a session. */
struct PlannedNetwork {
  /** Also in src/native/wire-plan.ts. */
  enum class Kind : std::uint8_t { kNone, kHost, kLoopback, kInterface, kNamespace };

  Kind kind = Kind::kNone;
  /** Of the host: the name of an interface (FreeBSD), the path of a network namespace (Linux). Empty of the others. */
  std::string handed_in{};

  [[nodiscard]] bool is_host() const { return kind == Kind::kHost; }
  [[nodiscard]] bool is_handed_in() const { return kind == Kind::kInterface || kind == Kind::kNamespace; }
};

struct BuildUser {
  uid_t uid;
  gid_t gid;
  std::vector<gid_t> groups;
};

/** Linux: the ids of the host, of users and of groups, out of which sessions get theirs. */
struct IdsNamed {
  std::uint32_t first;
  std::uint32_t count;
};

/** Whose outputs are. Also in src/native/wire-plan.ts. */
enum class Ownership : std::uint8_t {
  /** The build's while they are lent; what is in them is the folder's owner's then. */
  kFolder = 0,
  /** What is in them comes back as the build left it, with the build's numbers for owners. */
  kBuild = 1,
  /** They are not handed over at all. */
  kUnchanged = 2,
};

struct EnvelopePlan {
  std::string name;
  std::string state_directory;
  std::string hostname;
  PlannedNetwork network;
  /** More steps follow, by Envelope::complete. */
  bool is_base;
  Ownership ownership;
  /** Who the build is; where there is a pool, whose first user this is, that is settled by the opening. */
  BuildUser user;
  /** How many users are in the pool; 0 where there is none. */
  std::uint32_t users;
  /** Only Linux refuses what they lift. */
  Allowances allowed;
  std::optional<IdsNamed> ids;
  Limits limits;
  std::vector<Step> steps;
};

/** Read once, and used by every envelope that is made of it. */
using SharedPlan = std::shared_ptr<const EnvelopePlan>;

/** EINVAL when the bytes are no plan of this version. */
Result<EnvelopePlan> read_plan(std::span<const std::byte> bytes);

/** What can follow a base: directories, links, files and binds. Refuses the reader where it is not that. */
std::vector<Step> read_rest(WireReader& reader);

/** Also in src/native/wire-writer.ts. */
inline constexpr std::uint32_t kWireVersion = 11;

}  // namespace buildjail
