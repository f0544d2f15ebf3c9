/*
 * refused FOLDER    what comes of each system call that a session on Linux refuses; one line an attempt. What is needed for
 *                   that is made in the folder, which can be written to.
 *
 * Every attempt is harmless, and made so that the kernel would have another answer than the session: it is of a kind that
 * everybody may do, or wrong in its arguments, which the kernel sees before it asks who is calling.
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <netinet/in.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../answer.h"

/* By number, where headers may be older than the kernel. */
enum {
	kOpenTree = 428, kFsconfig = 431, kMountSetattr = 442, kIoUringSetup = 425, kIoUringEnter = 426,
	kClone3 = 435, kOpenat2 = 437, kMemfdSecret = 447, kFchmodat2 = 452, kSetxattrat = 463, kFileSetattr = 469
};

static const void *const nowhere = (const void *)8;

/* A child that a call made ends at once. */
static long
end_child(long pid)
{
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, __WALL);
	return pid;
}

static void
try_keyrings(void)
{
	tell_of("keyctl", syscall(SYS_keyctl, 0, -3, 0));
	tell_of("keyctl of the user", syscall(SYS_keyctl, 0, -4, 1));
	tell_of("add_key", syscall(SYS_add_key, "user", "buildjail-probe", "x", 1, -2));
	tell_of("request_key", syscall(SYS_request_key, "user", "buildjail-none", NULL, 0));
}

static void
try_namespaces(void)
{
	pid_t child;
	int status = 0;

	tell_of("clone", end_child(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)));
	tell_of("clone3", syscall(kClone3, NULL, 0));
	tell_of("setns", syscall(SYS_setns, -1, CLONE_NEWUSER));
	fflush(stdout);
	/* In a child, as it stays. */
	if ((child = fork()) == 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWCGROUP | CLONE_NEWNS) != 0)
			_exit(errno);
		_exit(0);
	}
	waitpid(child, &status, 0);
	errno = WEXITSTATUS(status);
	tell_of("unshare", status == 0 ? 0 : -1);
}

static void
try_mounts(void)
{
	tell_of("mount", syscall(SYS_mount, nowhere, nowhere, nowhere, 0, 0));
	tell_of("umount2", syscall(SYS_umount2, "/", ~0));
	tell_of("open_tree", syscall(kOpenTree, -100, "/", 0));
	tell_of("fsconfig", syscall(kFsconfig, -1, 0, 0, 0, 0));
	tell_of("mount_setattr", syscall(kMountSetattr, -1, nowhere, ~0, 0, 0));
}

static void
try_large_parts(void)
{
	tell_of("io_uring_setup", syscall(kIoUringSetup, 1, nowhere));
	tell_of("io_uring_enter", syscall(kIoUringEnter, -1, 0, 0, 0, 0, 0));
	tell_of("perf_event_open", syscall(SYS_perf_event_open, nowhere, 0, -1, -1, 0));
	tell_of("bpf", syscall(SYS_bpf, 0, nowhere, 0));
	tell_of("userfaultfd", syscall(SYS_userfaultfd, ~0));
	tell_of("io_setup", syscall(SYS_io_setup, 1, nowhere));
}

static void
try_sockets(void)
{
	tell_of("AF_NETLINK, kernel events", socket(AF_NETLINK, SOCK_RAW, 15));
	tell_of("AF_NETLINK, generic", socket(AF_NETLINK, SOCK_RAW, 16));
	tell_of("AF_PACKET", socket(17, SOCK_RAW, 0));
	tell_of("AF_INET, SOCK_PACKET", socket(AF_INET, 10, 0));
	tell_of("AF_VSOCK", socket(40, SOCK_STREAM, 0));
	tell_of("AF_ALG", socket(38, SOCK_SEQPACKET, 0));
	/* None of these has the kernel start a program here: it has their code, or finds out first that they are wrong. */
	tell_of("IPPROTO_MPTCP", socket(AF_INET, SOCK_STREAM, 262));
	tell_of("IPPROTO_MPTCP of IPv6", socket(AF_INET6, SOCK_STREAM, 262));
	tell_of("SIOCGIFBR", ioctl(-1, 0x8940, nowhere));
	tell_of("SIOCSIFBR", ioctl(-1, 0x8941, nowhere));
	tell_of("SIOCBRADDBR", ioctl(-1, 0x89a0, nowhere));
	tell_of("SIOCGIFVLAN", ioctl(-1, 0x8982, nowhere));
	tell_of("SIOCSIFVLAN, with more above it", syscall(SYS_ioctl, -1, 0x100008983UL, nowhere));
	tell_of("SIOCGIFCONF", ioctl(-1, 0x8912, nowhere));
	tell_of("IPPROTO_TCP", socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));
	tell_of("IPPROTO_UDP of IPv6", socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP));
	tell_of("AF_NETLINK, routes", socket(AF_NETLINK, SOCK_RAW, 0));
	tell_of("AF_UNIX", socket(AF_UNIX, SOCK_STREAM, 0));
	/* One that lets everything through. */
	struct sock_filter all = { BPF_RET | BPF_K, 0, 0, ~0U };
	struct sock_fprog filter = { 1, &all };
	int one = socket(AF_UNIX, SOCK_DGRAM, 0);
	tell_of("SO_ATTACH_FILTER", setsockopt(one, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)));
	close(one);
	tell_of("IP_ADD_MEMBERSHIP", setsockopt(-1, IPPROTO_IP, 35, &filter, sizeof(filter)));
	tell_of("IP_ADD_SOURCE_MEMBERSHIP", setsockopt(-1, IPPROTO_IP, 39, &filter, sizeof(filter)));
	tell_of("MCAST_JOIN_GROUP", setsockopt(-1, IPPROTO_IP, 42, &filter, sizeof(filter)));
	tell_of("MCAST_JOIN_SOURCE_GROUP", setsockopt(-1, IPPROTO_IP, 46, &filter, sizeof(filter)));
	tell_of("IPV6_ADD_MEMBERSHIP", setsockopt(-1, IPPROTO_IPV6, 20, &filter, sizeof(filter)));
	tell_of("IPV6_JOIN_ANYCAST", setsockopt(-1, IPPROTO_IPV6, 27, &filter, sizeof(filter)));
	tell_of("MCAST_JOIN_GROUP of IPv6", setsockopt(-1, IPPROTO_IPV6, 42, &filter, sizeof(filter)));
	tell_of("MCAST_JOIN_SOURCE_GROUP of IPv6", setsockopt(-1, IPPROTO_IPV6, 46, &filter, sizeof(filter)));
	tell_of("IP_MULTICAST_TTL", setsockopt(-1, IPPROTO_IP, 33, &filter, sizeof(filter)));
	tell_of("SO_ZEROCOPY", setsockopt(-1, SOL_SOCKET, 60, &filter, sizeof(filter)));
	tell_of("IPV6_FLOWLABEL_MGR", setsockopt(-1, 41, 32, &filter, sizeof(filter)));
}

static void
try_shared_memory(void)
{
	void *memory = mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | 0x40000, -1, 0);

	tell_of("MAP_HUGETLB", memory == MAP_FAILED ? -1 : 0);
	tell_of("MFD_HUGETLB", syscall(SYS_memfd_create, "probe", 4));
	tell_of("SHM_HUGETLB", syscall(SYS_shmget, 0, 0, 04000));
	tell_of("SHM_LOCK", syscall(SYS_shmctl, -1, 11, NULL));
	tell_of("memfd_create", syscall(SYS_memfd_create, "probe", 0));
	/* A wrong flag. */
	tell_of("memfd_secret", syscall(kMemfdSecret, ~0U));
}

static void
try_descent(void)
{
	tell_of("no subreaper", prctl(PR_SET_CHILD_SUBREAPER, 0));
	tell_of("a subreaper", prctl(PR_SET_CHILD_SUBREAPER, 1));
	/* The kernel refuses shared signal handlers in memory that is not shared. */
	tell_of("a brother", syscall(SYS_clone, CLONE_PARENT | CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0));
}

/* No limits are there to be read, which the kernel finds before it asks whose they are to be. */
static void
try_limits(void)
{
	struct rlimit its;

	tell_of("limits of init", syscall(SYS_prlimit64, 1, RLIMIT_CPU, nowhere, NULL));
	tell_of("limits of init, with more above it", syscall(SYS_prlimit64, 1UL << 32 | 1, RLIMIT_CPU, nowhere, NULL));
	tell_of("its limits by its number", syscall(SYS_prlimit64, getpid(), RLIMIT_CPU, NULL, &its));
	tell_of("its limits", syscall(SYS_prlimit64, 0, RLIMIT_CPU, &its, NULL));
}

/* What an attempt left of set-id bits at a file. */
static void
tell_bits(const char *name)
{
	struct stat found;

	if (lstat(name, &found) != 0)
		return;
	if ((found.st_mode & 06000) != 0)
		printf("set-id bits of %s: %o\n", name, found.st_mode & 07777);
}

static void
try_set_id(void)
{
	static const struct { unsigned long flags, mode, resolve; } how = { O_CREAT | O_WRONLY, 04755, 0 };
	static const char *const names[] = { "plain", "open", "openat", "creat", "openat2", "mknod", "mknodat", "fifo", "mkdir", "tmpfile" };
	int plain = open("plain", O_CREAT | O_RDWR, 0755), tmpfile;

	tell_of("fchmod", syscall(SYS_fchmod, plain, 04755));
	tell_of("fchmodat", syscall(SYS_fchmodat, AT_FDCWD, "plain", 02755));
	tell_of("fchmodat2", syscall(kFchmodat2, AT_FDCWD, "plain", 06755, 0));
	tell_of("openat", syscall(SYS_openat, AT_FDCWD, "openat", O_CREAT | O_WRONLY, 04755));
	tell_of("openat2", syscall(kOpenat2, AT_FDCWD, "openat2", &how, sizeof(how)));
	tell_of("mknodat", syscall(SYS_mknodat, AT_FDCWD, "mknodat", S_IFREG | 04755, 0));
	tell_of("mknodat of a fifo", syscall(SYS_mknodat, AT_FDCWD, "fifo", S_IFIFO | 02755, 0));
	tmpfile = (int)syscall(SYS_openat, AT_FDCWD, ".", O_TMPFILE | O_RDWR, 04755);
	tell_of("openat of no name", tmpfile);
	if (tmpfile >= 0) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/fd/%d", tmpfile);
		linkat(AT_FDCWD, path, AT_FDCWD, "tmpfile", AT_SYMLINK_FOLLOW);
	}
#ifdef SYS_chmod
	tell_of("chmod", syscall(SYS_chmod, "plain", 04755));
	tell_of("open", syscall(SYS_open, "open", O_CREAT | O_WRONLY, 04755));
	tell_of("creat", syscall(SYS_creat, "creat", 04755));
	tell_of("mknod", syscall(SYS_mknod, "mknod", S_IFREG | 04755, 0));
#endif
	mkdir("mkdir", 06755);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		tell_bits(names[i]);
}

static void
try_attributes(void)
{
	/* struct file_attr; POSIX ACL: user::rwx, user:1:rwx, group::---, mask::rwx, other::--- */
	static const unsigned long attributes[3];
	static const unsigned char acl[] = {
		2, 0, 0, 0,  1, 0, 7, 0, 255, 255, 255, 255,  2, 0, 7, 0, 1, 0, 0, 0,  4, 0, 0, 0, 255, 255, 255, 255,
		16, 0, 7, 0, 255, 255, 255, 255,  32, 0, 0, 0, 255, 255, 255, 255
	};
	static const char policy[12];
	static const char extended[28];
	unsigned long flags = 0;
	int file = open("attributed", O_CREAT | O_RDWR, 0600), folder = open(".", O_RDONLY | O_DIRECTORY);

	/* A wrong flag (XATTR_CREATE | XATTR_REPLACE is 3), and no file: nothing is set where the kernel is asked. */
	tell_of("setxattr", syscall(SYS_setxattr, "attributed", "user.probe", "x", 1, ~0));
	tell_of("setxattr of an ACL", syscall(SYS_setxattr, "attributed", "system.posix_acl_access", acl, sizeof(acl), 0));
	tell_of("setxattr of a default ACL", syscall(SYS_setxattr, ".", "system.posix_acl_default", acl, sizeof(acl), 0));
	tell_of("lsetxattr", syscall(SYS_lsetxattr, "attributed", "user.probe", "x", 1, ~0));
	tell_of("fsetxattr", syscall(SYS_fsetxattr, -1, "user.probe", "x", 1, 0));
	tell_of("removexattr", syscall(SYS_removexattr, "none", "user.probe"));
	tell_of("lremovexattr", syscall(SYS_lremovexattr, "none", "user.probe"));
	tell_of("fremovexattr", syscall(SYS_fremovexattr, -1, "user.probe"));
	tell_of("setxattrat", syscall(kSetxattrat, AT_FDCWD, "none", ~0, "user.probe", nowhere, 0));
	tell_of("file_setattr", syscall(kFileSetattr, AT_FDCWD, "none", attributes, sizeof(attributes), ~0));
	/* FS_IOC_GETFLAGS, so that what is set is what is there. */
	tell_of("FS_IOC_GETFLAGS", ioctl(file, 0x80086601, &flags));
	tell_of("FS_IOC_SETFLAGS", ioctl(file, 0x40086602, &flags));
	tell_of("FS_IOC_SETVERSION", ioctl(file, 0x40087602, nowhere));
	tell_of("FS_IOC_FSSETXATTR", ioctl(file, 0x401c5820, extended));
	tell_of("FS_IOC_SET_ENCRYPTION_POLICY", ioctl(folder, 0x800c6613, policy));
	close(file);
	close(folder);
}

static void
try_leases(void)
{
	int file = open("leased", O_CREAT | O_RDONLY | O_CLOEXEC, 0600);

	tell_of("F_SETLEASE", syscall(SYS_fcntl, file, 1024, F_WRLCK));
	tell_of("F_SETDELEG", syscall(SYS_fcntl, file, 1040, nowhere));
	tell_of("F_GETLEASE", syscall(SYS_fcntl, file, 1025, 0));
	syscall(SYS_fcntl, file, 1024, F_UNLCK);
	close(file);
}

static void
try_terminals(void)
{
	int null = open("/dev/null", O_RDWR);
	char character = '!';
	int discipline = 0;

	/* Of what is no terminal the kernel says so. */
	tell_of("TIOCSTI", syscall(SYS_ioctl, null, 0x5412UL, &character));
	tell_of("TIOCSTI, with more above it", syscall(SYS_ioctl, null, 0x100005412UL, &character));
	tell_of("TIOCLINUX", syscall(SYS_ioctl, null, 0x541cUL, &character));
	tell_of("TIOCSETD", syscall(SYS_ioctl, null, 0x5423UL, &discipline));
}

/* Without a file the kernel says so, whatever file systems it has. */
static void
try_subvolumes(void)
{
	char nowhere[4096] = { 0 };

	tell_of("BTRFS_IOC_SNAP_CREATE", ioctl(-1, 0x50009401, nowhere));
	tell_of("BTRFS_IOC_SNAP_CREATE_V2", ioctl(-1, 0x50009417, nowhere));
	tell_of("BTRFS_IOC_SUBVOL_CREATE", ioctl(-1, 0x5000940e, nowhere));
	tell_of("BTRFS_IOC_SUBVOL_SETFLAGS", ioctl(-1, 0x4008941a, nowhere));
	tell_of("BTRFS_IOC_SNAP_DESTROY", ioctl(-1, 0x5000940f, nowhere));
	tell_of("BTRFS_IOC_SNAP_DESTROY_V2", ioctl(-1, 0x5000943f, nowhere));
	tell_of("BTRFS_IOC_SNAP_DESTROY_V2, with more above it", syscall(SYS_ioctl, -1, 0x15000943fUL, nowhere));
	tell_of("BCH_IOCTL_SUBVOLUME_CREATE", ioctl(-1, 0x4020bc10, nowhere));
	tell_of("FS_IOC_REMOVE_ENCRYPTION_KEY", ioctl(-1, 0xc0406618, nowhere));
	tell_of("FICLONE", ioctl(-1, 0x40049409, 0));
	tell_of("FICLONERANGE", ioctl(-1, 0x4020940d, nowhere));
	tell_of("FIDEDUPERANGE", ioctl(-1, 0xc0189436, nowhere));
}

static void
try_kernel(void)
{
	static const struct { unsigned size; int type; unsigned char bytes[8]; } handle = { 8, 1, { 0 } };
	int root = open("/", O_RDONLY | O_DIRECTORY);

	tell_of("open_by_handle_at", syscall(SYS_open_by_handle_at, -1, &handle, O_RDONLY));
	tell_of("open_by_handle_at of the root", syscall(SYS_open_by_handle_at, root, &handle, ~0));
	tell_of("clock_settime", syscall(SYS_clock_settime, 99, nowhere));
	tell_of("settimeofday", syscall(SYS_settimeofday, nowhere, NULL));
	tell_of("adjtimex", syscall(SYS_adjtimex, nowhere));
	tell_of("clock_adjtime", syscall(SYS_clock_adjtime, 99, nowhere));
	tell_of("syslog", syscall(SYS_syslog, -1, NULL, 0));
	tell_of("quotactl", syscall(SYS_quotactl, ~0, NULL, 0, NULL));
	tell_of("personality", syscall(SYS_personality, 0x0100000));
	tell_of("no randomization", syscall(SYS_personality, 0x0040000));
	tell_of("personality again", syscall(SYS_personality, 0));
	close(root);
}

/* i386 by int 0x80 (getpid is 20 there), and x32 by bit 30 (getpid is 39). A kernel without the first has a signal for it. */
static void
try_other_architectures(void)
{
#if defined(__x86_64__)
	pid_t child;
	int status;

	fflush(stdout);
	if ((child = fork()) == 0) {
		long result;

		__asm__ volatile("int $0x80" : "=a"(result) : "0"(20) : "memory", "r8", "r9", "r10", "r11");
		_exit((int)result > 0 ? 0 : (int)-result);
	}
	waitpid(child, &status, 0);
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : ENOSYS;
	tell_of("i386", status == 0 ? 0 : -1);
	tell_of("x32", syscall(0x40000000 | 39));
#else
	errno = ENOSYS;
	tell_of("i386", -1);
	tell_of("x32", -1);
#endif
}

int
main(int argc, char **argv)
{
	if (argc != 2 || chdir(argv[1]) != 0)
		return 2;
	umask(0);
	try_keyrings();
	try_namespaces();
	try_mounts();
	try_large_parts();
	try_sockets();
	try_shared_memory();
	try_descent();
	try_limits();
	try_leases();
	try_set_id();
	try_attributes();
	try_terminals();
	try_subvolumes();
	try_kernel();
	try_other_architectures();
	return 0;
}
