/*
 * On FreeBSD, what only root of the host may do to files and to the machine; one line an attempt.
 */
#include <sys/param.h>
#include <sys/types.h>
#include <sys/extattr.h>
#include <sys/ioctl.h>
#include <sys/linker.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <bsm/audit.h>
#include <machine/sysarch.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "../answer.h"

/* What is put on files for good, and what leads to them another way. */
static void
attempt_files(void)
{
	static const char file[] = "/tmp/beyond";
	char value = 'x';
	fhandle_t handle;

	close(open(file, O_CREAT | O_WRONLY, 0600));
	tell_of("a flag that only the host takes away", chflags(file, SF_IMMUTABLE));
	tell_of("an archived file", lchflags(file, SF_ARCHIVED | SF_NOUNLINK));
	tell_of("an attribute of the system's", extattr_set_file(file, EXTATTR_NAMESPACE_SYSTEM, "x", &value, 1) > 0 ? 0 : -1);
	tell_of("attributes of the system's", extattr_list_file("/inputs/probe/beyond", EXTATTR_NAMESPACE_SYSTEM, NULL, 0));
	tell_of("a whiteout", mknod("/tmp/whiteout", S_IFWHT, 0));
	tell_of("a whiteout's end", undelete("/tmp/whiteout"));
	tell_of("a handle of a link", lgetfh("/bin", &handle));
	tell_of("a handle below a folder", getfhat(AT_FDCWD, "/inputs", &handle, 0));
	memset(&handle, 0, sizeof(handle));
	tell_of("a link by a handle", fhlink(&handle, "/tmp/linked"));
	tell_of("a file system by its handle", fhstatfs(&handle, &(struct statfs){ 0 }));
	tell_of("memory that stays", mlock(&handle, sizeof(handle)));
	tell_of("all memory that stays", mlockall(MCL_CURRENT | MCL_FUTURE));
	unlink(file);
}

static void
attempt_machine(void)
{
	struct i386_ioperm_args ports = { .start = 0x70, .length = 1, .enable = 1 };
	int policy = 0, terminal = posix_openpt(O_RDWR | O_NOCTTY);
	auditinfo_addr_t audited;

	memset(&audited, 0, sizeof(audited));
	tell_of("what the console says", ioctl(open(ptsname(terminal), O_RDWR | O_NOCTTY), TIOCCONS, &(int){ 1 }));
	tell_of("ports of the machine", sysarch(I386_SET_IOPERM, &ports));
	tell_of("swap in a file", swapon("/tmp/swap"));
	tell_of("restart", reboot(RB_AUTOBOOT));
	tell_of("audit policy", auditon(A_GETPOLICY, &policy, sizeof(policy)));
	tell_of("audit of itself", setaudit_addr(&audited, sizeof(audited)));
	tell_of("no module", kldunload(1));
	tell_of("no module by force", kldunloadf(2, LINKER_UNLOAD_FORCE));
}

int
main(void)
{
	attempt_files();
	attempt_machine();
	return 0;
}
