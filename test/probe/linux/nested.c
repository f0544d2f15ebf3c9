/*
 * nested FILE DIRECTORY: on Linux, what a build gets by a user namespace of its own, in which it has every capability: with
 * them it tries to write to a file of an input, and to what else the session keeps from it; one line an attempt.
 */
#define _GNU_SOURCE /* unshare(2) */
#include <sys/types.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>

#include "../answer.h"

int
main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
		tell_of("namespace", -1);
		return 0;
	}
	/* The input, freed of what makes it read-only. */
	tell_of("remount", mount(NULL, argv[2], NULL, MS_REMOUNT | MS_BIND, NULL));
	tell_of("unmount", umount2(argv[2], MNT_DETACH));
	tell_of("root", mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL));
	tell_of("write", open(argv[1], O_WRONLY));
	tell_of("device", mknod("/tmp/device", S_IFCHR | 0600, makedev(1, 1)));
	tell_of("proc", mount("proc", "/proc", "proc", 0, NULL));
	tell_of("host setting", open("/proc/sys/kernel/core_pattern", O_WRONLY));
	return 0;
}
