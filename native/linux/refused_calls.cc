#include "linux/system_call_filter.h"

#include <cerrno>

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
constexpr std::uint32_t kSetIdBits = 06000, kSetUserId = 04000, kSetGroupId = 02000;

constexpr std::uint32_t kUnix = 1, kInet = 2, kInet6 = 10, kNetlink = 16;
/** NETLINK_ROUTE. */
constexpr std::uint32_t kRoute = 0;
/** Of the second argument of socket(2), which has flags too; SOCK_STREAM, SOCK_DGRAM and SOCK_RAW. */
constexpr std::uint32_t kSocketType = 0xf, kStream = 1, kDatagram = 2, kRaw = 3;
/** IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_ICMP and IPPROTO_ICMPV6. */
constexpr std::uint32_t kTcp = 6, kUdp = 17, kUdpLite = 136, kIcmp = 1, kIcmp6 = 58;

/** SOL_SOCKET; SO_ATTACH_FILTER, SO_ATTACH_REUSEPORT_CBPF and SO_ZEROCOPY. */
constexpr std::uint32_t kOfSocket = 1, kAttachFilter = 26, kAttachReuseportFilter = 51, kZeroCopy = 60;

/** IPPROTO_IP and IPPROTO_IPV6; IPV6_FLOWLABEL_MGR. */
constexpr std::uint32_t kOfIp = 0, kOfIpv6 = 41, kManageFlowLabels = 32;
/** IP_ADD_MEMBERSHIP and IP_ADD_SOURCE_MEMBERSHIP; IPV6_ADD_MEMBERSHIP and IPV6_JOIN_ANYCAST. */
constexpr std::uint32_t kJoin = 35, kJoinOfSource = 39, kJoin6 = 20, kJoinAnycast = 27;
/** MCAST_JOIN_GROUP and MCAST_JOIN_SOURCE_GROUP, of both. */
constexpr std::uint32_t kJoinAny = 42, kJoinAnyOfSource = 46;

/** MAP_HUGETLB, MFD_HUGETLB and SHM_HUGETLB; SHM_LOCK of shmctl(2). */
constexpr std::uint32_t kMapHuge = 0x40000, kMemoryFileHuge = 4, kSharedHuge = 04000, kLockShared = 11;

/** The number of init in its session. */
constexpr std::uint32_t kInit = 1;

/** PR_SET_CHILD_SUBREAPER. */
constexpr std::uint32_t kSubreaper = 36;

/** personality(2) with this changes nothing. */
constexpr std::uint32_t kAskPersonality = 0xffffffff;
/** PER_LINUX32, UNAME26, ADDR_NO_RANDOMIZE: the names that a program reads, and the places of its own memory. */
constexpr std::uint32_t kHarmlessPersonality = 0x8 | 0x20000 | 0x40000;

/** Requests of ioctl(2). */
enum Request : std::uint32_t {
  kTypeCharacter = 0x5412,            // TIOCSTI
  kConsole = 0x541c,                  // TIOCLINUX
  kSetDiscipline = 0x5423,            // TIOCSETD
  kSetFlags = 0x40086602,             // FS_IOC_SETFLAGS
  kSetExtendedFlags = 0x401c5820,     // FS_IOC_FSSETXATTR
  kSetEncryption = 0x800c6613,        // FS_IOC_SET_ENCRYPTION_POLICY
  kAddEncryptionKey = 0xc0506617,     // FS_IOC_ADD_ENCRYPTION_KEY
  kEnableVerity = 0x40806685,         // FS_IOC_ENABLE_VERITY
  kSetGeneration = 0x40087602,        // FS_IOC_SETVERSION
  kSetExt4Generation = 0x40086604,    // EXT4_IOC_SETVERSION_OLD
  kRemoveEncryptionKey = 0xc0406618,  // FS_IOC_REMOVE_ENCRYPTION_KEY
  kClone = 0x40049409,                // FICLONE
  kCloneRange = 0x4020940d,           // FICLONERANGE
  kShareRange = 0xc0189436,           // FIDEDUPERANGE
  kBridges = 0x8940,                  // SIOCGIFBR and SIOCSIFBR
  kMakeBridge = 0x89a0,               // SIOCBRADDBR and SIOCBRDELBR
  kVlan = 0x8982,                     // SIOCGIFVLAN and SIOCSIFVLAN
};
/** Two requests with numbers that follow each other. */
constexpr std::uint32_t kBoth = ~std::uint32_t{1};
/** The type of a request (asm-generic/ioctl.h), and those of btrfs and bcachefs. */
constexpr std::uint32_t kRequestType = 0xff00, kBtrfs = 0x9400, kBcachefs = 0xbc00;

constexpr Condition any_bit(std::uint8_t argument, std::uint32_t mask) {
  return {Condition::Kind::kAnyBit, argument, mask, 0};
}
constexpr Condition is(std::uint8_t argument, std::uint32_t value, std::uint32_t mask = kWholeArgument) {
  return {Condition::Kind::kIs, argument, mask, value};
}
constexpr Condition is_not(std::uint8_t argument, std::uint32_t value, std::uint32_t mask = kWholeArgument) {
  return {Condition::Kind::kIsNot, argument, mask, value};
}

/** chmod(2) and its kind, whose mode is that argument: refused with the set-user-ID bit. */
constexpr RefusedCall sets_user_id(const char* name, int x86_64, int generic, std::uint8_t mode) {
  return {Allowance::kSetId, name, x86_64, generic, EPERM, {any_bit(mode, kSetUserId)}};
}
/** With the set-group-ID bit alone the call goes to a listener: FolderModes sets the bit on a folder. */
constexpr RefusedCall sets_group_id(const char* name, int x86_64, int generic, std::uint8_t mode) {
  RefusedCall call{Allowance::kSetId, name, x86_64, generic, EPERM, {any_bit(mode, kSetGroupId)}};
  call.is_told = true;
  return call;
}

/** A socket of the internet of another type than these, or of a protocol that is not of its type. */
constexpr RefusedCall makes_socket(std::array<Condition, 6> when, int err = EPROTONOSUPPORT) {
  return {Allowance::kSockets, "socket", 41, 198, err, when};
}

/** A socket joins a group. It fails as if no interface had any groups. */
constexpr RefusedCall joins_group(std::uint32_t level, std::uint32_t option) {
  return {Allowance::kSockets, "setsockopt", 54, 208, ENODEV, {is(1, level), is(2, option)}};
}

/** No entry of a spec lifts it. */
constexpr std::optional<Allowance> kAlways;

constexpr auto kRefusedCalls = std::to_array<RefusedCall>({
    // Set-id bits. While a build runs, a set-uid program in its output would give the build's rights to a user who runs
    // it on the host, and root's where the build is root. openat2(2) has its mode in memory, where no filter sees it;
    // programs fall back to openat(2), but bubblewrap does not. mkdir(2) ignores the bits. On a folder, the
    // set-group-ID
    // bit gives no rights.
    {Allowance::kSetId, "openat", 257, 56, EPERM, {any_bit(2, kCreates), any_bit(3, kSetIdBits)}},
    {Allowance::kSetId, "open", 2, kNoSuchCall, EPERM, {any_bit(1, kCreates), any_bit(2, kSetIdBits)}},
    {Allowance::kSetId, "openat2", 437, 437, ENOSYS, {}, Allowance::kUserNamespaces},
    {Allowance::kSetId, "creat", 85, kNoSuchCall, EPERM, {any_bit(1, kSetIdBits)}},
    {Allowance::kSetId, "mknod", 133, kNoSuchCall, EPERM, {any_bit(1, kSetIdBits)}},
    {Allowance::kSetId, "mknodat", 259, 33, EPERM, {any_bit(2, kSetIdBits)}},
    sets_user_id("chmod", 90, kNoSuchCall, 1),
    sets_group_id("chmod", 90, kNoSuchCall, 1),
    sets_user_id("fchmod", 91, 52, 1),
    sets_group_id("fchmod", 91, 52, 1),
    sets_user_id("fchmodat", 268, 53, 2),
    sets_group_id("fchmodat", 268, 53, 2),
    sets_user_id("fchmodat2", 452, 452, 2),
    sets_group_id("fchmodat2", 452, 452, 2),

    // Namespaces. In a user namespace a build has every capability, and with them far more of the kernel to attack.
    // With a cgroup namespace it could mount the cgroups of the host program (cgroup_namespaces(7)). clone3(2) has its
    // flags in memory; C libraries fall back to clone(2).
    {Allowance::kUserNamespaces, "clone", 56, 220, EPERM, {any_bit(0, kNewNamespaces)}},
    {Allowance::kUserNamespaces, "clone3", 435, 435, ENOSYS},
    {Allowance::kUserNamespaces, "unshare", 272, 97, EPERM},
    {Allowance::kUserNamespaces, "setns", 308, 268, EPERM},

    // Sockets. Other families know no network namespace (vsock(7)), or are seldom used and often broken. netlink(7) is
    // allowed for addresses and routes, which getifaddrs(3) reads.
    {Allowance::kSockets,
     "socket",
     41,
     198,
     EAFNOSUPPORT,
     {is_not(0, kUnix), is_not(0, kInet), is_not(0, kInet6), is_not(0, kNetlink)}},
    {Allowance::kSockets, "socket", 41, 198, EAFNOSUPPORT, {is(0, kNetlink), is_not(2, kRoute)}},
    {Allowance::kSockets, "socketpair", 53, 199, EAFNOSUPPORT, {is_not(0, kUnix)}},

    // For a protocol or a device that the kernel has no code for, it starts modprobe(8) as root of the host, and the
    // call waits for that (inet_create(), sock_ioctl()): processes that no limit of the session counts, and modules
    // that stay. Raw sockets are refused by the kernel, but for the protocol 0, which has no code.
    makes_socket({is(0, kInet), is(1, kStream, kSocketType), is_not(2, 0), is_not(2, kTcp)}),
    makes_socket({is(0, kInet6), is(1, kStream, kSocketType), is_not(2, 0), is_not(2, kTcp)}),
    makes_socket({is(0, kInet), is(1, kDatagram, kSocketType), is_not(2, 0), is_not(2, kUdp), is_not(2, kUdpLite),
                  is_not(2, kIcmp)}),
    makes_socket({is(0, kInet6), is(1, kDatagram, kSocketType), is_not(2, 0), is_not(2, kUdp), is_not(2, kUdpLite),
                  is_not(2, kIcmp6)}),
    makes_socket({is(0, kInet), is(1, kRaw, kSocketType), is(2, 0)}),
    makes_socket({is(0, kInet6), is(1, kRaw, kSocketType), is(2, 0)}),
    makes_socket({is(0, kInet), is_not(1, kStream, kSocketType), is_not(1, kDatagram, kSocketType),
                  is_not(1, kRaw, kSocketType)},
                 ESOCKTNOSUPPORT),
    makes_socket({is(0, kInet6), is_not(1, kStream, kSocketType), is_not(1, kDatagram, kSocketType),
                  is_not(1, kRaw, kSocketType)},
                 ESOCKTNOSUPPORT),
    {Allowance::kSockets, "ioctl", 16, 29, ENOPKG, {is(1, kBridges, kBoth)}},
    {Allowance::kSockets, "ioctl", 16, 29, ENOPKG, {is(1, kMakeBridge, kBoth)}},
    {Allowance::kSockets, "ioctl", 16, 29, ENOPKG, {is(1, kVlan, kBoth)}},

    // A filter of a socket is a program for the kernel (bpf(2)), in memory that no limit counts and that the host has
    // little of. Without any left, no session could install its own filter.
    {Allowance::kSockets, "setsockopt", 54, 208, EPERM, {is(1, kOfSocket), is(2, kAttachFilter)}},
    {Allowance::kSockets, "setsockopt", 54, 208, EPERM, {is(1, kOfSocket), is(2, kAttachReuseportFilter)}},

    // The host has 4,096 labels of IPv6 flows, of which most go to whoever asks first, and later ones fail.
    {Allowance::kSockets, "setsockopt", 54, 208, ENOPROTOOPT, {is(1, kOfIpv6), is(2, kManageFlowLabels)}},

    // An interface has one list of all groups that sockets joined, and a socket leaves each of its own by a search of
    // that, under a lock that all networks of the host share (rtnetlink(7)). A thousand sockets of each of thirty
    // processes took half a minute to end, and until then no session of the host opened.
    joins_group(kOfIp, kJoin),
    joins_group(kOfIp, kJoinOfSource),
    joins_group(kOfIp, kJoinAny),
    joins_group(kOfIp, kJoinAnyOfSource),
    joins_group(kOfIpv6, kJoin6),
    joins_group(kOfIpv6, kJoinAnycast),
    joins_group(kOfIpv6, kJoinAny),
    joins_group(kOfIpv6, kJoinAnyOfSource),

    // What is sent from its own pages counts for a user, with what the caller's other programs lock
    // (getrlimit(2), RLIMIT_MEMLOCK).
    {Allowance::kSockets, "setsockopt", 54, 208, EOPNOTSUPP, {is(1, kOfSocket), is(2, kZeroCopy)}},

    // Huge pages are a pool of the host's, which no limit of memory counts (cgroup-v2.rst, HugeTLB). Programs see a
    // host without any.
    {kAlways, "mmap", 9, 222, ENOMEM, {any_bit(3, kMapHuge)}},
    {kAlways, "memfd_create", 319, 279, EINVAL, {any_bit(1, kMemoryFileHuge)}},
    {kAlways, "shmget", 29, 194, EPERM, {any_bit(2, kSharedHuge)}},
    // What this locks counts for a user, and what mlock(2) locks for a process (getrlimit(2), RLIMIT_MEMLOCK).
    {kAlways, "shmctl", 31, 195, EPERM, {is(1, kLockShared)}},

    // The kernel takes such pages out of its own map of all memory, and splits large pages there for each of them. They
    // stay split until reboot, so all of the host runs slower. While such a file is open, the host does not hibernate.
    {kAlways, "memfd_secret", 447, 447, ENOSYS},

    // An ordinary user's init is the build's user, who may change its limits: the kernel ends it at a limit of
    // processor time that it has reached already (getrlimit(2), RLIMIT_CPU).
    {kAlways, "prlimit64", 302, 261, EPERM, {is(0, kInit)}},

    // Each command is a subreaper, so that all processes that it started are found below it (kill_tree). A process that
    // is not its descendant would be missed.
    {kAlways, "prctl", 157, 167, EPERM, {is(0, kSubreaper), is(1, 0)}},
    {kAlways, "clone", 56, 220, EPERM, {any_bit(0, kBrother)}},

    // Any process of the host that opens a leased file waits for the holder of the lease, 45 seconds at a time
    // (fcntl(2), "Leases"). The owner of a file may lease it, and a build can own files that it may only read.
    {kAlways, "fcntl", 72, 25, EINVAL, {is(1, kSetLease)}},
    {kAlways, "fcntl", 72, 25, EINVAL, {is(1, kSetDelegation)}},

    // Terminals. Characters put into a terminal's input are typed there, as the caller (ioctl_tty(2)). A line
    // discipline is a driver for a device that no build has (N_GSM0710 and its kind), and setting one loads it.
    {kAlways, "ioctl", 16, 29, EPERM, {is(1, kTypeCharacter)}},
    {kAlways, "ioctl", 16, 29, EPERM, {is(1, kConsole)}},
    {kAlways, "ioctl", 16, 29, EPERM, {is(1, kSetDiscipline)}},

    // Attributes of files: extended ones, ACLs among them (xattr(7), acl(5)), flags (ioctl_iflags(2)), encryption and
    // verity. They would outlive the session in its output. Programs see a file system without them.
    {Allowance::kAttributes, "ioctl", 16, 29, ENOTTY, {is(1, kSetFlags)}},
    {Allowance::kAttributes, "ioctl", 16, 29, ENOTTY, {is(1, kSetExtendedFlags)}},
    {Allowance::kAttributes, "ioctl", 16, 29, ENOTTY, {is(1, kSetEncryption)}},
    {Allowance::kAttributes, "ioctl", 16, 29, ENOTTY, {is(1, kAddEncryptionKey)}},
    {Allowance::kAttributes, "ioctl", 16, 29, ENOTTY, {is(1, kEnableVerity)}},
    {Allowance::kAttributes, "ioctl", 16, 29, ENOTTY, {is(1, kSetGeneration)}},
    {Allowance::kAttributes, "ioctl", 16, 29, ENOTTY, {is(1, kSetExt4Generation)}},
    {Allowance::kAttributes, "setxattr", 188, 5, EOPNOTSUPP},
    {Allowance::kAttributes, "lsetxattr", 189, 6, EOPNOTSUPP},
    {Allowance::kAttributes, "fsetxattr", 190, 7, EOPNOTSUPP},
    {Allowance::kAttributes, "removexattr", 197, 14, EOPNOTSUPP},
    {Allowance::kAttributes, "lremovexattr", 198, 15, EOPNOTSUPP},
    {Allowance::kAttributes, "fremovexattr", 199, 16, EOPNOTSUPP},
    {Allowance::kAttributes, "setxattrat", 463, 463, EOPNOTSUPP},
    {Allowance::kAttributes, "removexattrat", 466, 466, EOPNOTSUPP},
    {Allowance::kAttributes, "file_setattr", 469, 469, EOPNOTSUPP},

    // Subvolumes. Its owner may make a snapshot of one, read-only mount or not: with what an input excludes, and with
    // set-id bits, which on a mapped mount are root's. A subvolume may be removed by its number alone
    // (btrfs-subvolume(8)). What makes one file of another's content has the type of btrfs too (ioctl_ficlone(2)).
    {kAlways,
     "ioctl",
     16,
     29,
     ENOTTY,
     {is(1, kBtrfs, kRequestType), is_not(1, kClone), is_not(1, kCloneRange), is_not(1, kShareRange)}},
    {kAlways, "ioctl", 16, 29, ENOTTY, {is(1, kBcachefs, kRequestType)}},

    // A key is its user's on the whole file system, and any file that it opens is enough to ask for its removal
    // (fscrypt.rst).
    {kAlways, "ioctl", 16, 29, ENOTTY, {is(1, kRemoveEncryptionKey)}},

    // Personalities, which make other parts of the kernel and of memory reachable.
    {kAlways, "personality", 135, 92, EPERM, {any_bit(0, ~kHarmlessPersonality), is_not(0, kAskPersonality)}},

    // Keyrings belong to users, and hardly to namespaces (keyrings(7)).
    {Allowance::kKeyring, "add_key", 248, 217, ENOSYS},
    {Allowance::kKeyring, "request_key", 249, 218, ENOSYS},
    {Allowance::kKeyring, "keyctl", 250, 219, ENOSYS},

    // Mounts, by the old calls and the new ones. Without them a namespace is of little use.
    {Allowance::kUserNamespaces, "mount", 165, 40, EPERM},
    {Allowance::kUserNamespaces, "umount2", 166, 39, EPERM},
    {Allowance::kUserNamespaces, "pivot_root", 155, 41, EPERM},
    {Allowance::kUserNamespaces, "open_tree", 428, 428, EPERM},
    {Allowance::kUserNamespaces, "open_tree_attr", 467, 467, EPERM},
    {Allowance::kUserNamespaces, "move_mount", 429, 429, EPERM},
    {Allowance::kUserNamespaces, "fsopen", 430, 430, EPERM},
    {Allowance::kUserNamespaces, "fsconfig", 431, 431, EPERM},
    {Allowance::kUserNamespaces, "fsmount", 432, 432, EPERM},
    {Allowance::kUserNamespaces, "fspick", 433, 433, EPERM},
    {Allowance::kUserNamespaces, "mount_setattr", 442, 442, EPERM},

    // io_uring(7) makes other calls where no filter sees them, refused ones too.
    {Allowance::kIoUring, "io_uring_setup", 425, 425, ENOSYS},
    {Allowance::kIoUring, "io_uring_enter", 426, 426, ENOSYS},
    {Allowance::kIoUring, "io_uring_register", 427, 427, ENOSYS},

    // The host counts the contexts of io_submit(2) together (proc_sys_fs(5), aio-max-nr): one build could take all.
    {Allowance::kAio, "io_setup", 206, 0, ENOSYS},

    // Large parts of the kernel that few builds need: counters of the processor, which other processes change too;
    // programs for the kernel; page faults that a program holds up at will.
    {Allowance::kPerf, "perf_event_open", 298, 241, ENOSYS},
    {Allowance::kBpf, "bpf", 321, 280, ENOSYS},
    {Allowance::kUserfaultfd, "userfaultfd", 323, 282, ENOSYS},

    // A handle opens a file anywhere on its file system, below no root (open_by_handle_at(2)).
    {kAlways, "open_by_handle_at", 304, 265, EPERM},

    // The clocks are the host's. Whether adjtimex(2) only reads stands in memory.
    {kAlways, "settimeofday", 164, 170, EPERM},
    {kAlways, "clock_settime", 227, 112, EPERM},
    {kAlways, "adjtimex", 159, 171, EPERM},
    {kAlways, "clock_adjtime", 305, 266, EPERM},

    // The kernel and the machine themselves. All these calls need a capability that a build does not have.
    {kAlways, "kexec_load", 246, 104, EPERM},
    {kAlways, "kexec_file_load", 320, 294, EPERM},
    {kAlways, "init_module", 175, 105, EPERM},
    {kAlways, "finit_module", 313, 273, EPERM},
    {kAlways, "delete_module", 176, 106, EPERM},
    {kAlways, "create_module", 174, kNoSuchCall, ENOSYS},
    {kAlways, "query_module", 178, kNoSuchCall, ENOSYS},
    {kAlways, "get_kernel_syms", 177, kNoSuchCall, ENOSYS},
    {kAlways, "swapon", 167, 224, EPERM},
    {kAlways, "swapoff", 168, 225, EPERM},
    {kAlways, "reboot", 169, 142, EPERM},
    {kAlways, "acct", 163, 89, EPERM},
    {kAlways, "quotactl", 179, 60, EPERM},
    {kAlways, "quotactl_fd", 443, 443, EPERM},
    {kAlways, "syslog", 103, 116, EPERM},
    {kAlways, "nfsservctl", 180, 42, ENOSYS},
    {kAlways, "lookup_dcookie", 212, 18, ENOSYS},
    {kAlways, "iopl", 172, kNoSuchCall, EPERM},
    {kAlways, "ioperm", 173, kNoSuchCall, EPERM},
});

}  // namespace

std::span<const RefusedCall> refused_calls() { return kRefusedCalls; }

}  // namespace buildjail
