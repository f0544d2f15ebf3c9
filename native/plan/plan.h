#pragma once

#include <sys/types.h>
#include <sys/stat.h>

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
#include "base/unique_fd.h"
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
  /** The build writes to it, and can remove only its own files from it. */
  bool is_store = false;
  /** The build can write to it, and the source does not change. */
  bool is_overlay = false;
  /** The overlay is a copy. */
  bool is_copy = false;
};

/** A directory of the root's own, in which each entry of the source is a step of its own. */
struct Listed {
  std::string target;
  /** The directory itself is not mounted. */
  Bind source;
  /** When the list was made: nanoseconds since 1970. */
  std::uint64_t modified;
};

using Step = std::variant<MakeDirectory, MakeFile, WriteText, MakeLink, MountTmpfs, MountDev, MountProc, Bind, Listed>;

/** The overlays among the steps, which outlive the result. */
std::vector<const Bind*> overlays_of(const std::vector<Step>& steps);

/** The binds among the steps, which outlive the result. */
std::vector<const Bind*> binds_of(const std::vector<Step>& steps);
/** The files of the host that the steps show: binds, and folders that are listed. */
std::vector<const Bind*> sources_of(const std::vector<Step>& steps);

/** Maps each bind that lies below another one to the nearest bind around it, which has its mount point. */
using Nesting = std::map<const Bind*, const Bind*>;

/**
 * The nesting of the steps of a session, which outlive the result; `earlier` are the steps of its base. Mount points
 * inside a bind must be reached without links, so native code finds them itself and does not believe the plan.
 */
Nesting nesting_in(const std::vector<Step>& steps, const std::vector<Step>& earlier = {});
// The result would point into steps that are gone.
Nesting nesting_in(std::vector<Step>&& steps) = delete;
Nesting nesting_in(const std::vector<Step>& steps, std::vector<Step>&& earlier) = delete;

/** The path of the mount point in the outer bind: `a/b`. */
inline std::string_view mount_point_in(const Bind& outer, const Bind& inner) {
  return std::string_view(inner.target).substr(outer.target.size() + 1);
}

/** A right that the filter on system calls refuses unless a spec names it in `allow`. Also in src/native/wire-plan.ts.
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

/** A set of allowances. */
class Allowances {
 public:
  constexpr Allowances() = default;
  constexpr explicit Allowances(std::uint32_t bits) : bits_(bits) {}

  [[nodiscard]] constexpr bool is_empty() const { return bits_ == 0; }
  /** Whether each bit in it has a name. */
  [[nodiscard]] constexpr bool is_known() const { return bits_ < static_cast<std::uint32_t>(Allowance::kAio) * 2; }
  [[nodiscard]] constexpr bool has(Allowance one) const { return (bits_ & static_cast<std::uint32_t>(one)) != 0; }

 private:
  std::uint32_t bits_ = 0;
};

/** What a network of names leads to. */
struct AllowedEntry {
  /** Also in src/native/wire-plan.ts. */
  enum class Kind : std::uint8_t { kName, kWildcard, kAddress, kHost };

  Kind kind;
  /** A name in lower case, of a wildcard without its `*.`; an address without brackets; empty for the host. */
  std::string text;
  std::uint16_t port;
};

/** The network of a session. */
struct PlannedNetwork {
  /** Also in src/native/wire-plan.ts. */
  enum class Kind : std::uint8_t { kNone, kHost, kLoopback, kInterface, kNamespace, kNames };

  Kind kind = Kind::kNone;
  /** Of the host: an interface by name (FreeBSD), a network namespace by path (Linux). Empty for other kinds. */
  std::string handed_in{};
  /** Of a network of names. */
  std::vector<AllowedEntry> allowed{};
  /** Connections to port 443 of a name must speak TLS, and name no other server. */
  bool checks_tls_names = false;

  [[nodiscard]] bool is_host() const { return kind == Kind::kHost; }
  [[nodiscard]] bool is_handed_in() const { return kind == Kind::kInterface || kind == Kind::kNamespace; }
  [[nodiscard]] bool is_of_names() const { return kind == Kind::kNames; }
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

/** The owner of outputs. Also in src/native/wire-plan.ts. */
enum class Ownership : std::uint8_t {
  /** They belong to the build while they are lent. Afterwards their files belong to the owner of the folder. */
  kFolder = 0,
  /** Their files come back as the build left them, with the build's numbers for owners. */
  kBuild = 1,
  /** They are not handed over. */
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
  /** Each path that is looked up is recorded (seen/seen_paths.h). */
  bool traces;
  /** The build user. With a pool this is its first user, and the opening chooses one. */
  BuildUser user;
  /** The number of users in the pool; 0 without a pool. */
  std::uint32_t users;
  /** Used on Linux only, which has the filter. */
  Allowances allowed;
  std::optional<IdsNamed> ids;
  Limits limits;
  std::vector<Step> steps;
};

/** Read once, and used by every envelope that is made of it. */
using SharedPlan = std::shared_ptr<const EnvelopePlan>;

/** EINVAL when the bytes are no plan of this version. */
Result<EnvelopePlan> read_plan(std::span<const std::byte> bytes);

/** Reads the steps that can follow a base: directories, links, files and binds. Other steps make the reader bad. */
std::vector<Step> read_rest(WireReader& reader);

/** Also in src/native/wire-writer.ts. */
inline constexpr std::uint32_t kWireVersion = 14;

// A plan names files of the host. Another program can put others in their places before a session opens.

inline constexpr const char* kStaleSource = "the source is another file than when the plan was made";

/** Whether an open source is the file that was planned, where that matters. */
inline bool is_planned(const Bind& bind, const struct stat& found) {
  // defence: source-file-planned
  if (bind.dev == 0 && bind.ino == 0) return true;
  return found.st_ino == bind.ino && static_cast<std::uint64_t>(found.st_dev) == bind.dev;
}

/** The source, held by a descriptor; ESTALE when it is another file by now than when it was planned. */
Result<UniqueFd> pin_source(const Bind& bind);

/** ESTALE when what is at `path` is another device by now than when it was planned. `step` is for errors. */
Status confirm_device(const std::string& path, const NamedDevice& device, const char* step);

}  // namespace buildjail
