/*
 * What a build that is root inside could try against its confinement; one line an attempt. Each that is refused says with
 * what, and none that is not refused is harmless.
 */
#define _GNU_SOURCE /* unshare(2), setns(2) */
#include <sys/param.h>
#include <sys/types.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"

#ifdef __linux__
#include <sched.h>
#include <sys/sysmacros.h>

static void
attempt(void)
{
	tell_of("mount", mount("tmpfs", "/tmp", "tmpfs", 0, NULL));
	tell_of("bind", mount("/tmp", "/inputs/probe", NULL, MS_BIND, NULL));
	tell_of("remount", mount(NULL, "/inputs/probe", NULL, MS_REMOUNT | MS_BIND, NULL));
	tell_of("unmount", umount2("/inputs/probe", MNT_DETACH));
	tell_of("chroot", chroot("/tmp"));
	tell_of("device", mknod("/tmp/device", S_IFBLK | 0600, makedev(8, 0)));
	tell_of("namespace", unshare(CLONE_NEWNS));
	tell_of("init's namespace", setns(open("/proc/1/ns/mnt", O_RDONLY), 0));
	tell_of("hostname", sethostname("mine", 4));
	tell_of("raw socket", socket(AF_INET, SOCK_RAW, 1));
	tell_of("host setting", open("/proc/sys/kernel/core_pattern", O_WRONLY));
	tell_of("restart", open("/proc/sysrq-trigger", O_WRONLY));
}
#else
#include <sys/jail.h>
#include <sys/linker.h>
#include <sys/sysctl.h>
#include <sys/uio.h>

static struct iovec
text(const char *value)
{
	struct iovec vector = { (void *)(uintptr_t)value, strlen(value) + 1 };

	return vector;
}

static long
set_integer(const char *name, int value)
{
	return sysctlbyname(name, NULL, NULL, &value, sizeof(value));
}

static long
mount_one(const char *type, const char *from, const char *on)
{
	struct iovec options[] = { text("fstype"), text(type), text("fspath"), text(on), text("from"), text(from) };

	return nmount(options, 6, 0);
}

static long
nested_jail(void)
{
	struct iovec options[] = { text("name"), text("nested"), text("path"), text("/"), text("persist"), { NULL, 0 } };

	return jail_set(options, 6, JAIL_CREATE);
}

/* jls(8): whoever comes next. */
static long
other_jail(void)
{
	int last = 0;
	struct iovec options[] = { text("lastjid"), { &last, sizeof(last) } };

	return jail_get(options, 2, 0);
}

static void
attempt(void)
{
	tell_of("mount", mount_one("tmpfs", "tmpfs", "/tmp"));
	tell_of("bind", mount_one("nullfs", "/tmp", "/inputs/probe"));
	tell_of("devices", mount_one("devfs", "devfs", "/tmp"));
	tell_of("unmount", unmount("/inputs/probe", MNT_FORCE));
	tell_of("device", mknod("/tmp/device", S_IFCHR | 0600, 2));
	tell_of("nested jail", nested_jail());
	tell_of("other jail", other_jail());
	tell_of("host's jail", jail_attach(0));
	tell_of("remove a jail", jail_remove(1));
	/* A jail's own may be raised, and never lowered (security(7)); the host's stays what it is. */
	set_integer("kern.securelevel", 1);
	tell_of("lower securelevel", set_integer("kern.securelevel", 0));
	tell_of("host setting", set_integer("kern.maxproc", 100));
	tell_of("hostname", sethostname("mine", 4));
	tell_of("raw socket", socket(AF_INET, SOCK_RAW, 1));
	tell_of("routes", socket(AF_INET, SOCK_DGRAM, 0));
	tell_of("module", kldload("nullfs"));
}
#endif

int
main(void)
{
	attempt();
	return 0;
}
