/*
 * planter plant FOLDER    puts on a folder, and on files in it, what an owner can put there beyond a mode; says what came of each
 * planter marks PATH...   says what is on each: set-id bits, flags, attributes of users, access control lists; "-" for nothing
 * planter set PATH VALUE  an attribute of users, user.before; planter get PATH says its value
 * planter list PATH       an access control list, by which the user 4321 may do what the mode lets the group do
 * planter deep FOLDER N   that many folders, each in the one before, and a file in the last: longer than any path may be
 * planter links FILE N    that many more names of a file, FILE.1 and so on
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

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

/* A list as posix_acl_xattr.h of the kernel has it: everybody may write, and the user 4321 too. */
static const struct {
	unsigned version;
	struct {
		unsigned short tag, permissions;
		unsigned id;
	} entries[5];
} kList = {2, {{1, 7, ~0U}, {2, 7, 4321}, {4, 5, ~0U}, {0x10, 7, ~0U}, {0x20, 5, ~0U}}};

static long
attribute(const char *path, const char *name, const char *value)
{
	char full[64];

	snprintf(full, sizeof(full), "user.%s", name);
	return setxattr(path, full, value, strlen(value), 0);
}

static long
value_of(const char *path, const char *name, char *value, size_t room)
{
	char full[64];

	snprintf(full, sizeof(full), "user.%s", name);
	return getxattr(path, full, value, room);
}

static long
lists(const char *path, int is_folder)
{
	if (is_folder && setxattr(path, "system.posix_acl_default", &kList, sizeof(kList), 0) != 0) return -1;
	return setxattr(path, "system.posix_acl_access", &kList, sizeof(kList), 0);
}

static long
flags(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK);
	unsigned all = 0;
	long result = fd < 0 ? -1 : ioctl(fd, FS_IOC_GETFLAGS, &all);

	all |= FS_NODUMP_FL | FS_NOATIME_FL;
	if (result == 0) result = ioctl(fd, FS_IOC_SETFLAGS, &all);
	close(fd);
	return result;
}

static void
say_marks(const char *path, const struct stat *found)
{
	char names[4096];
	unsigned all = 0;
	ssize_t size = llistxattr(path, names, sizeof(names));
	int fd = S_ISREG(found->st_mode) || S_ISDIR(found->st_mode) ? open(path, O_RDONLY | O_NONBLOCK) : -1;

	for (ssize_t at = 0; at < size; at += (ssize_t)strlen(names + at) + 1)
		if (strncmp(names + at, "security.", 9) != 0) printf(" %s", names + at);
	if (fd >= 0 && ioctl(fd, FS_IOC_GETFLAGS, &all) == 0) {
		if (all & FS_NODUMP_FL) printf(" nodump");
		if (all & FS_NOATIME_FL) printf(" noatime");
	}
	close(fd);
}
#else
#include <sys/acl.h>
#include <sys/extattr.h>

static long
attribute(const char *path, const char *name, const char *value)
{
	return extattr_set_link(path, EXTATTR_NAMESPACE_USER, name, value, strlen(value));
}

static long
value_of(const char *path, const char *name, char *value, size_t room)
{
	return extattr_get_link(path, EXTATTR_NAMESPACE_USER, name, value, room);
}

static long
lists(const char *path, int is_folder)
{
	const int is_whole = lpathconf(path, _PC_ACL_NFS4) > 0;
	const char *const of_folder = "owner@:rwxp--aARWcCos:fd-----:allow,user:4321:rwxp--aARWcCos:fd-----:allow,everyone@:r-x---a-R-c--s:fd-----:allow";
	const char *const of_file = "owner@:rwxp--aARWcCos:-------:allow,user:4321:rwxp--aARWcCos:-------:allow,everyone@:r-x---a-R-c--s:-------:allow";
	acl_t list = acl_from_text(!is_whole ? "u::rwx,u:4321:rwx,g::r-x,m::rwx,o::r-x" : is_folder ? of_folder : of_file);

	if (list == NULL) return -1;
	if (is_whole) return acl_set_link_np(path, ACL_TYPE_NFS4, list);
	if (is_folder && acl_set_link_np(path, ACL_TYPE_DEFAULT, list) != 0) return -1;
	return acl_set_link_np(path, ACL_TYPE_ACCESS, list);
}

static long
flags(const char *path)
{
	return lchflags(path, UF_NODUMP | UF_HIDDEN | UF_APPEND | UF_IMMUTABLE);
}

static void
say_list(const char *path, acl_type_t type, const char *name)
{
	acl_t list = acl_get_link_np(path, type);
	acl_entry_t entry;
	int is_trivial = 1;

	if (list == NULL) return;
	if (type == ACL_TYPE_DEFAULT)
		is_trivial = acl_get_entry(list, ACL_FIRST_ENTRY, &entry) != 1;
	else
		acl_is_trivial_np(list, &is_trivial);
	if (!is_trivial) printf(" %s", name);
	acl_free(list);
}

static void
say_marks(const char *path, const struct stat *found)
{
	char names[4096];
	const unsigned all = found->st_flags;
	ssize_t size = extattr_list_link(path, EXTATTR_NAMESPACE_USER, names, sizeof(names));

	for (ssize_t at = 0; at < size; at += 1 + (unsigned char)names[at]) printf(" user.%.*s", (unsigned char)names[at], names + at + 1);
	if (all & UF_NODUMP) printf(" nodump");
	if (all & UF_HIDDEN) printf(" hidden");
	if (all & UF_APPEND) printf(" append");
	if (all & UF_IMMUTABLE) printf(" immutable");
	if (lpathconf(path, _PC_ACL_NFS4) > 0) {
		say_list(path, ACL_TYPE_NFS4, "nfs4");
	} else if (lpathconf(path, _PC_ACL_EXTENDED) > 0) {
		say_list(path, ACL_TYPE_ACCESS, "access");
		if (S_ISDIR(found->st_mode)) say_list(path, ACL_TYPE_DEFAULT, "default");
	}
}
#endif

static long
make_socket(const char *name)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(at.sun_path, name, sizeof(at.sun_path) - 1);
	return fd < 0 ? -1 : bind(fd, (struct sockaddr *)&at, sizeof(at));
}

static void
mark(const char *name, int is_folder)
{
	char attempt[64];

	snprintf(attempt, sizeof(attempt), "%s attribute", name);
	tell_of(attempt, attribute(name, "planted", "here"));
	/* Before a list, as a mode makes an NFSv4 one anew. */
	snprintf(attempt, sizeof(attempt), "%s set-id", name);
	tell_of(attempt, chmod(name, is_folder ? 02755 : 06755));
	snprintf(attempt, sizeof(attempt), "%s list", name);
	tell_of(attempt, lists(name, is_folder));
	/* Last: with some of them nothing else can be changed. */
	snprintf(attempt, sizeof(attempt), "%s flags", name);
	tell_of(attempt, flags(name));
}

static int
plant(const char *folder)
{
	if (chdir(folder) != 0) return tell(-1);
	close(open("file", O_CREAT | O_WRONLY, 0644));
	close(open("shut", O_CREAT | O_WRONLY, 0));
	close(open("two\nlines", O_CREAT | O_WRONLY, 0600));
	tell_of("folder", mkdir("folder", 0755));
	tell_of("below", mkdir("folder/below", 0755));
	close(open("folder/below/file", O_CREAT | O_WRONLY, 0644));
	tell_of("fifo", mkfifo("fifo", 0644));
	tell_of("socket", make_socket("socket"));
	tell_of("link", symlink("/etc/passwd", "link"));
#ifdef __FreeBSD__
	tell_of("link set-id", lchmod("link", 04755));
#endif
	mark("file", 0);
	mark("folder/below/file", 0);
	mark("folder/below", 1);
	tell_of("fifo set-id", chmod("fifo", 06644));
	tell_of("shut folder", chmod("folder/below", 0) == 0 || errno == EPERM ? 0 : -1);
	mark(".", 1);
	return 0;
}

static int
marks(char **paths)
{
	for (; *paths != NULL; paths++) {
		struct stat found;

		if (lstat(*paths, &found) != 0) return 1;
		printf("%s:", *paths);
		if (found.st_mode & S_ISUID) printf(" set-uid");
		if (found.st_mode & S_ISGID) printf(" set-gid");
		say_marks(*paths, &found);
		printf(" -\n");
	}
	return 0;
}

static int
deep(const char *folder, int count)
{
	if (chdir(folder) != 0) return tell(-1);
	for (int i = 0; i < count; i++)
		if (mkdir("deeper", 0755) != 0 || chdir("deeper") != 0) return tell(-1);
	return tell(open("file", O_CREAT | O_WRONLY, 0644));
}

static int
links(const char *file, int count)
{
	char name[256];

	for (int i = 1; i <= count; i++) {
		snprintf(name, sizeof(name), "%s.%d", file, i);
		if (link(file, name) != 0) return tell(-1);
	}
	return tell(0);
}

static int
get(const char *path)
{
	char value[64];
	long size = value_of(path, "before", value, sizeof(value));

	if (size < 0) return tell(-1);
	printf("%.*s\n", (int)size, value);
	return 0;
}

int
main(int argc, char **argv)
{
	umask(022);
	if (argc == 3 && strcmp(argv[1], "plant") == 0) return plant(argv[2]);
	if (argc > 2 && strcmp(argv[1], "marks") == 0) return marks(argv + 2);
	if (argc == 4 && strcmp(argv[1], "set") == 0) return tell(attribute(argv[2], "before", argv[3]));
	if (argc == 3 && strcmp(argv[1], "get") == 0) return get(argv[2]);
	if (argc == 3 && strcmp(argv[1], "list") == 0) return tell(lists(argv[2], 0));
	if (argc == 4 && strcmp(argv[1], "deep") == 0) return deep(argv[2], atoi(argv[3]));
	if (argc == 4 && strcmp(argv[1], "links") == 0) return links(argv[2], atoi(argv[3]));
	return 2;
}
