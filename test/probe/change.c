/*
 * change PATH    tries whatever changes a file, a folder, or what is told of it; one line an attempt
 */
#define _GNU_SOURCE /* fallocate(2), O_PATH */
#include <sys/types.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"

#ifdef __linux__
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

static void
attempt_special(const char *path, int file)
{
	long flags = FS_NODUMP_FL;

	tell_of("attribute", setxattr(path, "user.planted", "x", 1, 0));
	tell_of("attribute by descriptor", fsetxattr(file, "user.planted", "x", 1, 0));
	tell_of("attribute of the system", setxattr(path, "trusted.planted", "x", 1, 0));
	tell_of("ACL", setxattr(path, "system.posix_acl_access", "\2\0\0\0", 4, 0));
	tell_of("flags", ioctl(file, FS_IOC_SETFLAGS, &flags));
	tell_of("space", fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1));
}
#else
#include <sys/acl.h>
#include <sys/extattr.h>

static long
set_acl(const char *path, acl_type_t type, const char *text)
{
	acl_t acl = acl_from_text(text);
	long result = acl == NULL ? -1 : acl_set_file(path, type, acl);

	acl_free(acl);
	return result;
}

static void
attempt_special(const char *path, int file)
{
	struct spacectl_range all = { 0, 1 };

	tell_of("attribute", extattr_set_file(path, EXTATTR_NAMESPACE_USER, "planted", "x", 1));
	tell_of("attribute by descriptor", extattr_set_fd(file, EXTATTR_NAMESPACE_USER, "planted", "x", 1));
	tell_of("attribute of the system", extattr_set_file(path, EXTATTR_NAMESPACE_SYSTEM, "planted", "x", 1));
	tell_of("ACL", set_acl(path, ACL_TYPE_ACCESS, "u::rwx,g::rwx,o::rwx"));
	tell_of("NFSv4 ACL", set_acl(path, ACL_TYPE_NFS4, "owner@:full_set::allow,everyone@:full_set::allow"));
	tell_of("flags", chflags(path, UF_NODUMP));
	tell_of("flags by descriptor", fchflags(file, UF_NODUMP));
	tell_of("space", fspacectl(file, SPACECTL_DEALLOC, &all, 0, NULL));
#ifdef O_NAMEDATTR
	tell_of("named attribute", openat(file, "planted", O_CREAT | O_RDWR | O_NAMEDATTR, 0600));
#endif
}
#endif

int
main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	const char *path = argv[1];
	struct timespec times[2] = { { 1, 0 }, { 1, 0 } };
	int file = open(path, O_RDONLY);
	char beside[1024];

	snprintf(beside, sizeof(beside), "%s-planted", path);
	tell_of("open to write", open(path, O_WRONLY));
	tell_of("truncate", truncate(path, 0));
	tell_of("mode", chmod(path, 0777));
	tell_of("mode by descriptor", fchmod(file, 0777));
	tell_of("owner", chown(path, getuid(), getgid()));
	tell_of("times", utimensat(AT_FDCWD, path, times, 0));
	tell_of("times by descriptor", futimens(file, times));
	tell_of("name", rename(path, beside));
	tell_of("link", link(path, beside));
	tell_of("link to /tmp", link(path, "/tmp/planted"));
	tell_of("removal", unlink(path));
	tell_of("beside", open(beside, O_CREAT | O_WRONLY, 0600));
	attempt_special(path, file);
	return 0;
}
