#include "linux/system_call_filter.h"

#include <array>
#include <cerrno>
#include <utility>

namespace buildjail {

namespace {

// Numbers of the kernel: its headers are not installed wherever a compiler is.

/** CLONE_NEWNS, CGROUP, UTS, IPC, USER, PID and NET. CLONE_NEWTIME is a part of the signal here (clone(2)). */
constexpr std::uint32_t kNewNamespaces = 0x7e020000;
/** CLONE_PARENT: the child becomes a sibling of its parent. */
constexpr std::uint32_t kBrother = 0x8000;
/** F_SETLEASE, and F_SETDELEG of newer kernels. */
constexpr std::uint32_t kSetLease = 1024, kSetDelegation = 1040;
/** O_CREAT | __O_TMPFILE: without one of them the kernel ignores the mode (open(2)). */
constexpr std::uint32_t kCreates = 0100 | 020000000;
constexpr std::uint32_t kSetIdBits = 06000;

constexpr std::uint32_t kUnix = 1, kInet = 2, kInet6 = 10, kNetlink = 16;
/** NETLINK_ROUTE. */
constexpr std::uint32_t kRoute = 0;
/** With this type, AF_INET makes a packet socket (packet(7), SOCK_PACKET). */
constexpr std::uint32_t kSocketType = 0xf, kPacketType = 10;

/** SOL_SOCKET; SO_ATTACH_FILTER and SO_ATTACH_REUSEPORT_CBPF. */
constexpr std::uint32_t kOfSocket = 1, kAttachFilter = 26, kAttachReuseportFilter = 51;

/** PR_SET_CHILD_SUBREAPER. */
constexpr std::uint32_t kSubreaper = 36;

/** personality(2) with this changes nothing. */
constexpr std::uint32_t kAskPersonality = 0xffffffff;
/** PER_LINUX32, UNAME26, ADDR_NO_RANDOMIZE: the names that a program reads, and the places of its own memory. */
constexpr std::uint32_t kHarmlessPersonality = 0x8 | 0x20000 | 0x40000;

/** Requests of ioctl(2). */
enum Request : std::uint32_t {
  kTypeCharacter = 0x5412,          // TIOCSTI
  kConsole = 0x541c,                // TIOCLINUX
  kSetDiscipline = 0x5423,          // TIOCSETD
  kSetFlags = 0x40086602,           // FS_IOC_SETFLAGS
  kSetExtendedFlags = 0x401c5820,   // FS_IOC_FSSETXATTR
  kSetEncryption = 0x800c6613,      // FS_IOC_SET_ENCRYPTION_POLICY
  kAddEncryptionKey = 0xc0506617,   // FS_IOC_ADD_ENCRYPTION_KEY
  kEnableVerity = 0x40806685,       // FS_IOC_ENABLE_VERITY
  kSetGeneration = 0x40087602,      // FS_IOC_SETVERSION
  kSetExt4Generation = 0x40086604,  // EXT4_IOC_SETVERSION_OLD
  kSetSubvolumeFlags = 0x4008941a,  // BTRFS_IOC_SUBVOL_SETFLAGS
  kMakeSnapshot = 0x50009417,       // BTRFS_IOC_SNAP_CREATE_V2, which can make a read-only snapshot
};

constexpr Condition any_bit(std::uint8_t argument, std::uint32_t mask) {
  return {Condition::Kind::kAnyBit, argument, mask, 0};
}
constexpr Condition is(std::uint8_t argument, std::uint32_t value, std::uint32_t mask = kWholeArgument) {
  return {Condition::Kind::kIs, argument, mask, value};
}
constexpr Condition is_not(std::uint8_t argument, std::uint32_t value) {
  return {Condition::Kind::kIsNot, argument, kWholeArgument, value};
}

constexpr auto kRefusedCalls = std::to_array<RefusedCall>({
    // Set-id bits. While a build runs, a set-uid program in its output would give the build's rights to a user who runs
    // it on the host, and root's where the build is root. openat2(2) has its mode in memory, where no filter sees it;
    // programs fall back to openat(2). mkdir(2) ignores the bits.
    {Reason::kSetId, "openat", 257, 56, EPERM, {any_bit(2, kCreates), any_bit(3, kSetIdBits)}},
    {Reason::kSetId, "open", 2, kNoSuchCall, EPERM, {any_bit(1, kCreates), any_bit(2, kSetIdBits)}},
    {Reason::kSetId, "openat2", 437, 437, ENOSYS},
    {Reason::kSetId, "creat", 85, kNoSuchCall, EPERM, {any_bit(1, kSetIdBits)}},
    {Reason::kSetId, "mknod", 133, kNoSuchCall, EPERM, {any_bit(1, kSetIdBits)}},
    {Reason::kSetId, "mknodat", 259, 33, EPERM, {any_bit(2, kSetIdBits)}},
    {Reason::kSetId, "chmod", 90, kNoSuchCall, EPERM, {any_bit(1, kSetIdBits)}},
    {Reason::kSetId, "fchmod", 91, 52, EPERM, {any_bit(1, kSetIdBits)}},
    {Reason::kSetId, "fchmodat", 268, 53, EPERM, {any_bit(2, kSetIdBits)}},
    {Reason::kSetId, "fchmodat2", 452, 452, EPERM, {any_bit(2, kSetIdBits)}},

    // Namespaces. In a user namespace a build has every capability, and with them far more of the kernel to attack.
    // With a cgroup namespace it could mount the cgroups of the host program (cgroup_namespaces(7)). clone3(2) has its
    // flags in memory; C libraries fall back to clone(2).
    {Reason::kNamespaces, "clone", 56, 220, EPERM, {any_bit(0, kNewNamespaces)}},
    {Reason::kNamespaces, "clone3", 435, 435, ENOSYS},
    {Reason::kNamespaces, "unshare", 272, 97, EPERM},
    {Reason::kNamespaces, "setns", 308, 268, EPERM},

    // Sockets. Other families know no network namespace (vsock(7)), or are seldom used and often broken. netlink(7) is
    // allowed for addresses and routes, which getifaddrs(3) reads.
    {Reason::kSockets,
     "socket",
     41,
     198,
     EAFNOSUPPORT,
     {is_not(0, kUnix), is_not(0, kInet), is_not(0, kInet6), is_not(0, kNetlink)}},
    {Reason::kSockets, "socket", 41, 198, EAFNOSUPPORT, {is(0, kNetlink), is_not(2, kRoute)}},
    {Reason::kSockets, "socket", 41, 198, EAFNOSUPPORT, {is(0, kInet), is(1, kPacketType, kSocketType)}},
    {Reason::kSockets, "socketpair", 53, 199, EAFNOSUPPORT, {is_not(0, kUnix)}},

    // A filter of a socket is a program for the kernel (bpf(2)), in memory that no limit counts and that the host has
    // little of. Without any left, no session could install its own filter.
    {Reason::kSockets, "setsockopt", 54, 208, EPERM, {is(1, kOfSocket), is(2, kAttachFilter)}},
    {Reason::kSockets, "setsockopt", 54, 208, EPERM, {is(1, kOfSocket), is(2, kAttachReuseportFilter)}},

    // Each command is a subreaper, so that all processes that it started are found below it (kill_tree). That misses a
    // process that is not its descendant.
    {Reason::kDescent, "prctl", 157, 167, EPERM, {is(0, kSubreaper), is(1, 0)}},
    {Reason::kDescent, "clone", 56, 220, EPERM, {any_bit(0, kBrother)}},

    // Any process of the host that opens a leased file waits for the holder of the lease, 45 seconds at a time
    // (fcntl(2), "Leases"). The owner of a file may lease it, and a build can own files that it may only read.
    {Reason::kFileLeases, "fcntl", 72, 25, EINVAL, {is(1, kSetLease)}},
    {Reason::kFileLeases, "fcntl", 72, 25, EINVAL, {is(1, kSetDelegation)}},

    // Terminals. Characters put into a terminal's input are typed there, as the caller (ioctl_tty(2)). A line
    // discipline is a driver for a device that no build has (N_GSM0710 and its kind), and setting one loads it.
    {Reason::kTerminals, "ioctl", 16, 29, EPERM, {is(1, kTypeCharacter)}},
    {Reason::kTerminals, "ioctl", 16, 29, EPERM, {is(1, kConsole)}},
    {Reason::kTerminals, "ioctl", 16, 29, EPERM, {is(1, kSetDiscipline)}},

    // Attributes of files: extended ones, ACLs among them (xattr(7), acl(5)), flags (ioctl_iflags(2)), encryption and
    // verity. They would outlive the session in its output. Programs see a file system without them.
    {Reason::kAttributes, "ioctl", 16, 29, ENOTTY, {is(1, kSetFlags)}},
    {Reason::kAttributes, "ioctl", 16, 29, ENOTTY, {is(1, kSetExtendedFlags)}},
    {Reason::kAttributes, "ioctl", 16, 29, ENOTTY, {is(1, kSetEncryption)}},
    {Reason::kAttributes, "ioctl", 16, 29, ENOTTY, {is(1, kAddEncryptionKey)}},
    {Reason::kAttributes, "ioctl", 16, 29, ENOTTY, {is(1, kEnableVerity)}},
    {Reason::kAttributes, "ioctl", 16, 29, ENOTTY, {is(1, kSetGeneration)}},
    {Reason::kAttributes, "ioctl", 16, 29, ENOTTY, {is(1, kSetExt4Generation)}},
    {Reason::kAttributes, "ioctl", 16, 29, ENOTTY, {is(1, kSetSubvolumeFlags)}},
    {Reason::kAttributes, "ioctl", 16, 29, ENOTTY, {is(1, kMakeSnapshot)}},
    {Reason::kAttributes, "setxattr", 188, 5, EOPNOTSUPP},
    {Reason::kAttributes, "lsetxattr", 189, 6, EOPNOTSUPP},
    {Reason::kAttributes, "fsetxattr", 190, 7, EOPNOTSUPP},
    {Reason::kAttributes, "removexattr", 197, 14, EOPNOTSUPP},
    {Reason::kAttributes, "lremovexattr", 198, 15, EOPNOTSUPP},
    {Reason::kAttributes, "fremovexattr", 199, 16, EOPNOTSUPP},
    {Reason::kAttributes, "setxattrat", 463, 463, EOPNOTSUPP},
    {Reason::kAttributes, "removexattrat", 466, 466, EOPNOTSUPP},
    {Reason::kAttributes, "file_setattr", 469, 469, EOPNOTSUPP},

    // Personalities, which make other parts of the kernel and of memory reachable.
    {Reason::kPersonality,
     "personality",
     135,
     92,
     EPERM,
     {any_bit(0, ~kHarmlessPersonality), is_not(0, kAskPersonality)}},

    // Keyrings belong to users, and hardly to namespaces (keyrings(7)).
    {Reason::kKeyrings, "add_key", 248, 217, ENOSYS},
    {Reason::kKeyrings, "request_key", 249, 218, ENOSYS},
    {Reason::kKeyrings, "keyctl", 250, 219, ENOSYS},

    // Mounts, by the old calls and the new ones.
    {Reason::kMounts, "mount", 165, 40, EPERM},
    {Reason::kMounts, "umount2", 166, 39, EPERM},
    {Reason::kMounts, "pivot_root", 155, 41, EPERM},
    {Reason::kMounts, "open_tree", 428, 428, EPERM},
    {Reason::kMounts, "open_tree_attr", 467, 467, EPERM},
    {Reason::kMounts, "move_mount", 429, 429, EPERM},
    {Reason::kMounts, "fsopen", 430, 430, EPERM},
    {Reason::kMounts, "fsconfig", 431, 431, EPERM},
    {Reason::kMounts, "fsmount", 432, 432, EPERM},
    {Reason::kMounts, "fspick", 433, 433, EPERM},
    {Reason::kMounts, "mount_setattr", 442, 442, EPERM},

    // io_uring(7) makes other calls where no filter sees them, refused ones too.
    {Reason::kIoUring, "io_uring_setup", 425, 425, ENOSYS},
    {Reason::kIoUring, "io_uring_enter", 426, 426, ENOSYS},
    {Reason::kIoUring, "io_uring_register", 427, 427, ENOSYS},

    // The host counts the contexts of io_submit(2) together (proc_sys_fs(5), aio-max-nr): one build could take all.
    {Reason::kAio, "io_setup", 206, 0, ENOSYS},

    // Large parts of the kernel that few builds need: counters of the processor, which other processes change too;
    // programs for the kernel; page faults that a program holds up at will.
    {Reason::kPerf, "perf_event_open", 298, 241, ENOSYS},
    {Reason::kBpf, "bpf", 321, 280, ENOSYS},
    {Reason::kUserfaultfd, "userfaultfd", 323, 282, ENOSYS},

    // A handle opens a file anywhere on its file system, below no root (open_by_handle_at(2)).
    {Reason::kHandles, "open_by_handle_at", 304, 265, EPERM},

    // The clocks are the host's. Whether adjtimex(2) only reads stands in memory.
    {Reason::kClocks, "settimeofday", 164, 170, EPERM},
    {Reason::kClocks, "clock_settime", 227, 112, EPERM},
    {Reason::kClocks, "adjtimex", 159, 171, EPERM},
    {Reason::kClocks, "clock_adjtime", 305, 266, EPERM},

    // The kernel and the machine themselves. All these calls need a capability that a build does not have.
    {Reason::kKernel, "kexec_load", 246, 104, EPERM},
    {Reason::kKernel, "kexec_file_load", 320, 294, EPERM},
    {Reason::kKernel, "init_module", 175, 105, EPERM},
    {Reason::kKernel, "finit_module", 313, 273, EPERM},
    {Reason::kKernel, "delete_module", 176, 106, EPERM},
    {Reason::kKernel, "create_module", 174, kNoSuchCall, ENOSYS},
    {Reason::kKernel, "query_module", 178, kNoSuchCall, ENOSYS},
    {Reason::kKernel, "get_kernel_syms", 177, kNoSuchCall, ENOSYS},
    {Reason::kKernel, "swapon", 167, 224, EPERM},
    {Reason::kKernel, "swapoff", 168, 225, EPERM},
    {Reason::kKernel, "reboot", 169, 142, EPERM},
    {Reason::kKernel, "acct", 163, 89, EPERM},
    {Reason::kKernel, "quotactl", 179, 60, EPERM},
    {Reason::kKernel, "quotactl_fd", 443, 443, EPERM},
    {Reason::kKernel, "syslog", 103, 116, EPERM},
    {Reason::kKernel, "nfsservctl", 180, 42, ENOSYS},
    {Reason::kKernel, "lookup_dcookie", 212, 18, ENOSYS},
    {Reason::kKernel, "iopl", 172, kNoSuchCall, EPERM},
    {Reason::kKernel, "ioperm", 173, kNoSuchCall, EPERM},
});

/** The reasons that an entry of `allow` lifts. A namespace is of little use without mounts. */
constexpr auto kLifted = std::to_array<std::pair<Reason, Allowance>>({{Reason::kKeyrings, Allowance::kKeyring},
                                                                      {Reason::kNamespaces, Allowance::kUserNamespaces},
                                                                      {Reason::kMounts, Allowance::kUserNamespaces},
                                                                      {Reason::kIoUring, Allowance::kIoUring},
                                                                      {Reason::kPerf, Allowance::kPerf},
                                                                      {Reason::kBpf, Allowance::kBpf},
                                                                      {Reason::kUserfaultfd, Allowance::kUserfaultfd},
                                                                      {Reason::kAio, Allowance::kAio},
                                                                      {Reason::kSockets, Allowance::kSockets},
                                                                      {Reason::kSetId, Allowance::kSetId},
                                                                      {Reason::kAttributes, Allowance::kAttributes}});

}  // namespace

std::optional<Allowance> lifted_by(Reason reason) {
  for (const auto& [lifted, by] : kLifted) {
    if (lifted == reason) return by;
  }
  return std::nullopt;
}

std::span<const RefusedCall> refused_calls() { return kRefusedCalls; }

}  // namespace buildjail
