/*
 * overlaid try FOLDER     in a session: tries what would mark, reveal or get past the layers of an overlay; a line an attempt
 * overlaid plant FOLDER   on the host: marks in a source by which a file or a folder would stand for another of it
 */
#define _GNU_SOURCE /* unshare(2), name_to_handle_at(2) */
#include <sys/types.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../answer.h"

#define WHITEOUT 4 /* RENAME_WHITEOUT */

static int
plant(void)
{
	static const char *const spaces[] = { "trusted.overlay", "user.overlay" };
	int planted = 0;

	for (int i = 0; i < 2; ++i) {
		char name[64];

		snprintf(name, sizeof(name), "%s.redirect", spaces[i]);
		planted += setxattr("folder", name, "/other", 6, 0) == 0;
		planted += setxattr("meta", name, "/other/secret", 13, 0) == 0;
		snprintf(name, sizeof(name), "%s.metacopy", spaces[i]);
		planted += setxattr("meta", name, "", 0, 0) == 0;
		snprintf(name, sizeof(name), "%s.opaque", spaces[i]);
		planted += setxattr("folder", name, "y", 1, 0) == 0;
	}
	printf("%d\n", planted);
	return planted > 0 ? 0 : 1;
}

static void
attempt_handle(void)
{
	char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	struct file_handle *handle = (struct file_handle *)room;
	int mount_id;
	int folder = open(".", O_RDONLY | O_DIRECTORY);

	handle->handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(AT_FDCWD, "given", handle, &mount_id, 0) != 0)
		handle->handle_type = 1;
	tell_of("handle", syscall(SYS_open_by_handle_at, folder, handle, O_RDWR));
}

/* Upwards from a folder until nothing changes: the root of the session, or what it should not be. */
static void
climb(const char *attempt, const char *from)
{
	struct stat root, here;
	int at = open(from, O_PATH | O_DIRECTORY);

	for (int i = 0; i < 64 && at >= 0; ++i)
		at = openat(at, "..", O_PATH | O_DIRECTORY);
	if (at < 0 || fstat(at, &here) != 0 || stat("/", &root) != 0)
		printf("%s: %s\n", attempt, name_of(errno));
	else
		printf("%s: %s\n", attempt, here.st_ino == root.st_ino && here.st_dev == root.st_dev ? "root" : "elsewhere");
}

static int
try(const char *folder)
{
	tell_of("whiteout", mknod("planted", S_IFCHR | 0666, makedev(0, 0)));
	tell_of("whiteout by renaming", syscall(SYS_renameat2, AT_FDCWD, "given", AT_FDCWD, "given2", WHITEOUT));
	tell_of("device", mknod("null", S_IFCHR | 0666, makedev(1, 3)));
	tell_of("mark of the system", setxattr(".", "trusted.overlay.redirect", "/other", 6, 0));
	tell_of("mark", setxattr("folder", "user.overlay.redirect", "/other", 6, 0));
	tell_of("mark of emptiness", setxattr("folder", "user.overlay.opaque", "y", 1, 0));
	tell_of("mark read", getxattr("folder", "trusted.overlay.origin", NULL, 0));
	attempt_handle();
	tell_of("unmount", umount2(folder, MNT_DETACH));
	tell_of("unmount of /tmp", umount2("/tmp", MNT_DETACH));
	tell_of("remount", mount("none", folder, NULL, MS_REMOUNT, "upperdir=/tmp"));
	tell_of("link", link("given", "/tmp/given"));
	climb("upwards", folder);
	climb("upwards from /tmp", "/tmp");
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
		tell_of("namespaces", -1);
		return 0;
	}
	tell_of("unmount in a namespace", umount2(folder, MNT_DETACH));
	tell_of("unmount of /tmp in a namespace", umount2("/tmp", MNT_DETACH));
	climb("upwards from /tmp in a namespace", "/tmp");
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc != 3 || chdir(argv[2]) != 0)
		return 2;
	return strcmp(argv[1], "plant") == 0 ? plant() : try(argv[2]);
}
