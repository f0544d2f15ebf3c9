/*
 * On FreeBSD, what another user of the host could do to a session; one line an attempt. Each names what is there, so
 * that it is refused for want of a right.
 *
 *   stranger JID PID FSID ROOT OUTPUT    of the jail, of a process in it, of a mount in its root; the root and an output with a file `made`
 */
#include <sys/param.h>
#include <sys/types.h>
#include <sys/cpuset.h>
#include <sys/jail.h>
#include <sys/ktrace.h>
#include <sys/mount.h>
#include <sys/procctl.h>
#include <sys/ptrace.h>
#include <sys/rctl.h>
#include <sys/stat.h>
#include <sys/sysctl.h>
#include <sys/uio.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../answer.h"

static struct iovec
named(const char *value)
{
	struct iovec vector = { (void *)(uintptr_t)value, strlen(value) + 1 };

	return vector;
}

static void
attempt_jail(int jid)
{
	struct iovec settings[] = { named("jid"), { &jid, sizeof(jid) }, named("allow.mount"), { NULL, 0 } };
	cpuset_t some;
	char rule[64];

	tell_of("its jail", jail_attach(jid));
	tell_of("its end", jail_remove(jid));
	tell_of("its settings", jail_set(settings, 4, JAIL_UPDATE));
	CPU_ZERO(&some);
	CPU_SET(0, &some);
	tell_of("its processors", cpuset_setaffinity(CPU_LEVEL_WHICH, CPU_WHICH_JAIL, jid, sizeof(some), &some));
	snprintf(rule, sizeof(rule), "jail:%d:maxproc:deny=1", jid);
	tell_of("a limit", rctl_add_rule(rule, strlen(rule) + 1, NULL, 0));
#ifdef JAIL_GET_DESC
	int desc = -1;
	struct iovec options[] = { named("jid"), { &jid, sizeof(jid) }, named("desc"), { &desc, sizeof(desc) } };

	/* Everybody may have one, which shows when the jail ends. */
	if (jail_get(options, 4, JAIL_GET_DESC) < 0) {
		tell_of("its descriptor", -1);
		return;
	}
	tell_of("its jail by a descriptor", jail_attach_jd(desc));
	tell_of("its end by a descriptor", jail_remove_jd(desc));
	struct iovec more[] = { named("desc"), { &desc, sizeof(desc) }, named("allow.mount"), { NULL, 0 } };
	tell_of("its settings by a descriptor", jail_set(more, 4, JAIL_UPDATE | JAIL_USE_DESC));
#endif
}

static void
attempt_process(pid_t pid)
{
	static char room[65536];
	static const int kinds[] = { KERN_PROC_ENV, KERN_PROC_FILEDESC, KERN_PROC_VMMAP, KERN_PROC_KSTACK, KERN_PROC_CWD };
	static const char *const names[] = { "its environment", "its descriptors", "its memory", "its stack", "its folder" };

	tell_of("a signal", kill(pid, SIGKILL));
	tell_of("a signal to all of them", kill(-pid, SIGKILL));
	tell_of("tracing", ptrace(PT_ATTACH, pid, NULL, 0));
	tell_of("its trace", ktrace("/dev/null", KTROP_SET, KTRFAC_SYSCALL, pid));
	tell_of("its protection", procctl(P_PID, pid, PROC_SPROTECT, &(int){ PPROT_SET }));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		int mib[4] = { CTL_KERN, KERN_PROC, kinds[i], (int)pid };
		size_t size = sizeof(room);

		tell_of(names[i], sysctl(mib, 4, room, &size, NULL, 0));
	}
}

static void
attempt_files(const char *fsid, const char *root, const char *output)
{
	char path[MAXPATHLEN];
	fhandle_t handle;
	struct iovec over[] = { named("fstype"), named("nullfs"), named("fspath"), named(output), named("from"), named("/tmp") };

	tell_of("a mount", unmount(fsid, MNT_BYFSID));
	tell_of("a mount by force", unmount(fsid, MNT_BYFSID | MNT_FORCE));
	tell_of("a mount over its output", nmount(over, 6, 0));
	tell_of("its root", open(root, O_RDONLY | O_DIRECTORY));
	snprintf(path, sizeof(path), "%s/tmp", root);
	tell_of("its /tmp", open(path, O_RDONLY | O_DIRECTORY));
	snprintf(path, sizeof(path), "%s.journal", root);
	tell_of("its journal", open(path, O_RDONLY));
	tell_of("leases", open("/var/run/buildjail-leases", O_RDONLY | O_DIRECTORY));
	snprintf(path, sizeof(path), "%s/made", output);
	tell_of("its output", open(path, O_RDONLY));
	tell_of("a name in its output", rename(path, "/tmp/made"));
	tell_of("another name for its file", link(path, "/tmp/made"));
	tell_of("a handle of its file", getfh(path, &handle));
	tell_of("the mode of its output", chmod(output, 0777));
	tell_of("the owner of its output", chown(output, geteuid(), getegid()));
}

int
main(int argc, char **argv)
{
	if (argc != 6)
		return 2;
	attempt_jail(atoi(argv[1]));
	attempt_process((pid_t)atoi(argv[2]));
	attempt_files(argv[3], argv[4], argv[5]);
	return 0;
}
