/*
 * container PARTS COMMAND...    on a Linux host: executes the command with what a container takes away. Parts are letters:
 *                               c  the capabilities that Docker does not give by default (as root)
 *                               a  but for CAP_SYS_ADMIN, as with --cap-add SYS_ADMIN
 *                               p  and for CAP_SYS_PTRACE
 *                               s  the system calls that Docker's filter refuses by default
 */
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ALLOW 0x7fff0000u
#define REFUSE(err) (0x00050000u | (err))
#define CLONES_OF_NAMESPACES 0x7e020000u
#define CAP_SYS_PTRACE_BIT (1u << 19)
#define CAP_SYS_ADMIN_BIT (1u << 21)
/* chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, net_raw, sys_chroot, mknod,
 * audit_write, setfcap */
#define DOCKERS_CAPABILITIES 0xa80425fbu

/* struct sock_filter and sock_fprog (seccomp(2)), and the data of capset(2); the kernel's own headers may be missing. */
struct instruction {
	uint16_t code;
	uint8_t if_true, if_false;
	uint32_t value;
};

struct sets {
	uint32_t effective, permitted, inheritable;
};

static struct instruction program[256];
static unsigned short length;

/* profiles/seccomp/default.json of moby: what it does not name, of what a sandbox could want. */
static const long refused[] = {
	SYS_pivot_root, SYS_keyctl, SYS_add_key, SYS_request_key, SYS_userfaultfd, SYS_open_by_handle_at, SYS_kcmp, SYS_acct,
	SYS_reboot, SYS_swapon, SYS_swapoff, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load,
	SYS_settimeofday, SYS_clock_settime, SYS_mbind, SYS_set_mempolicy, SYS_get_mempolicy, SYS_vhangup, SYS_nfsservctl,
	425 /* io_uring_setup */, 426 /* io_uring_enter */, 427 /* io_uring_register */, 438 /* pidfd_getfd */,
	440 /* process_madvise */,
};
/* What it lets through with CAP_SYS_ADMIN. */
static const long administrators[] = {
	SYS_mount, SYS_umount2, SYS_unshare, SYS_setns, SYS_bpf, SYS_perf_event_open, SYS_fanotify_init, SYS_quotactl,
	SYS_sethostname, SYS_setdomainname, SYS_syslog, 428 /* open_tree */, 429 /* move_mount */, 430 /* fsopen */,
	431 /* fsconfig */, 432 /* fsmount */, 433 /* fspick */, 442 /* mount_setattr */, 443 /* quotactl_fd */,
};

static void
add(uint16_t code, uint8_t if_true, uint8_t if_false, uint32_t value)
{
	program[length++] = (struct instruction){ code, if_true, if_false, value };
}

static void
refuse(long number, int err)
{
	add(0x15, 0, 1, (uint32_t)number);
	add(0x06, 0, 0, REFUSE((uint32_t)err));
}

static int
set_filter(int is_administrator)
{
	size_t at;

	add(0x20, 0, 0, 0);
	for (at = 0; at < sizeof(refused) / sizeof(refused[0]); at++)
		refuse(refused[at], EPERM);
	if (!is_administrator) {
		for (at = 0; at < sizeof(administrators) / sizeof(administrators[0]); at++)
			refuse(administrators[at], EPERM);
		refuse(435 /* clone3 */, ENOSYS);
		/* Its first argument has the flags. */
		add(0x15, 0, 3, SYS_clone);
		add(0x20, 0, 0, 16);
		add(0x45, 0, 1, CLONES_OF_NAMESPACES);
		add(0x06, 0, 0, REFUSE(EPERM));
	}
	add(0x06, 0, 0, ALLOW);
	const struct {
		uint16_t length;
		const struct instruction *instructions;
	} filter = { length, program };
	/* A container's manager installs it as root, without this. */
	if (geteuid() != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return prctl(PR_SET_SECCOMP, 2, &filter);
}

static int
keep_capabilities(uint32_t kept)
{
	const uint32_t header[2] = { 0x20080522, 0 };
	struct sets sets[2] = { { kept, kept, 0 }, { 0, 0, 0 } };
	unsigned long capability;

	for (capability = 0; capability < 64; capability++) {
		if (capability < 32 && (kept >> capability & 1) != 0)
			continue;
		if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EINVAL)
			return -1;
	}
	return (int)syscall(SYS_capset, header, sets);
}

int
main(int argc, char **argv)
{
	uint32_t kept = DOCKERS_CAPABILITIES;
	int is_administrator;

	if (argc < 3)
		return 2;
	is_administrator = strchr(argv[1], 'a') != NULL;
	if (is_administrator)
		kept |= CAP_SYS_ADMIN_BIT;
	if (strchr(argv[1], 'p') != NULL)
		kept |= CAP_SYS_PTRACE_BIT;
	if (strchr(argv[1], 's') != NULL && set_filter(is_administrator) != 0) {
		perror("prctl");
		return 1;
	}
	if (strchr(argv[1], 'c') != NULL && keep_capabilities(kept) != 0) {
		perror("capset");
		return 1;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 1;
}
