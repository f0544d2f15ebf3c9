/*
 * set_group calls FOLDER READONLY  chmod(2) and its kind with the set-group-ID bit: one line an attempt. `ok` where the bit
 *                                  is on the folder then. READONLY is a folder that cannot be written to.
 * set_group swap FOLDER ROUNDS     chmod(2) of a path that other threads make a folder and a file in turn, by a rename, by a
 *                                  link, and in memory. Ends with 1 if a file has the bit at any time.
 * set_group flood FOLDER THREADS   chmod(2) of a folder by so many threads, until it is killed. Says `flooding` first.
 * set_group filter FOLDER          filters of its own, without a listener and with one.
 * set_group chroot FOLDER          chmod(2) below another root, in a user namespace of its own.
 * set_group under FOLDER COMMAND... on the host: a command below a filter with a listener, which tells nothing.
 * set_group paths FOLDER PATH...   chmod(2) of each, without a look at it.
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../answer.h"

/* By number, where headers may be older than the kernel. */
enum { kFchmodat2 = 452, kNewListener = 8, kExchange = 2, kNoFollow = 0x100, kEmptyPath = 0x1000 };
enum { kMode = 02755 };

static const void *const nowhere = (const void *)8;

/* Whether a folder that could be changed has the bit; without it for the next attempt. */
static void
tell_bit(const char *attempt, const char *folder, long result)
{
	struct stat found;

	if (result != 0)
		tell_of(attempt, result);
	else
		printf("%s: %s\n", attempt, stat(folder, &found) == 0 && (found.st_mode & S_ISGID) != 0 ? "ok" : "without the bit");
	chmod(folder, 0755);
}

static int
try_calls(const char *folder, const char *readonly)
{
	char loop[64], above[256], deep[PATH_MAX], huge[PATH_MAX + 10];
	int here = open(".", O_RDONLY | O_DIRECTORY), dir, file, path_only;
	long around;

	mkdir("dir", 0755);
	mkdir("dir/sub", 0755);
	close(open("file", O_WRONLY | O_CREAT, 0755));
	symlink("dir", "to-dir");
	symlink("file", "to-file");
	symlink("loop", "loop");
	symlink("missing", "to-missing");
	dir = open("dir", O_RDONLY | O_DIRECTORY);
	path_only = open("dir", O_PATH | O_DIRECTORY);
	file = open("file", O_RDONLY);

	tell_bit("chmod", "dir", chmod("dir", kMode));
	tell_bit("chmod by a link", "dir", chmod("to-dir", kMode));
	tell_bit("chmod with slashes", "dir", chmod(".//dir/./sub/..//", kMode));
	around = chdir("dir/sub") == 0 ? chmod("..", kMode) : -1;
	fchdir(here);
	tell_bit("chmod of the folder around", "dir", around);
	snprintf(above, sizeof(above), "/../..%s/dir", folder);
	tell_bit("chmod by a path above the root", "dir", chmod(above, kMode));
	tell_bit("fchmod", "dir", fchmod(dir, kMode));
	tell_bit("fchmodat of the working directory", "dir", syscall(SYS_fchmodat, AT_FDCWD, "dir", kMode));
	tell_bit("fchmodat of a descriptor", "dir/sub", syscall(SYS_fchmodat, dir, "sub", kMode));
	tell_bit("fchmodat, with more in the upper half", "dir", syscall(SYS_fchmodat, 1L << 32 | AT_FDCWD, "dir", 1L << 32 | kMode));
	tell_bit("fchmodat2", "dir", syscall(kFchmodat2, AT_FDCWD, "dir", kMode, 0));
	tell_bit("fchmodat2 without links", "dir", syscall(kFchmodat2, AT_FDCWD, "dir", kMode, kNoFollow));
	tell_bit("fchmodat2 of a descriptor", "dir", syscall(kFchmodat2, path_only, "", kMode, kEmptyPath));

	tell_of("of a link itself", syscall(kFchmodat2, AT_FDCWD, "to-dir", kMode, kNoFollow));
	tell_of("with unknown flags", syscall(kFchmodat2, AT_FDCWD, "dir", kMode, 0x4000));
	tell_of("of a file", chmod("file", kMode));
	tell_of("of a file by a link", chmod("to-file", kMode));
	tell_of("of a file by its descriptor", fchmod(file, kMode));
	tell_of("of a pipe", fchmod(STDOUT_FILENO, kMode));
	tell_of("with the set-user-ID bit", chmod("dir", 06755));
	tell_of("of nothing", chmod("missing", kMode));
	tell_of("of nothing by a link", chmod("to-missing", kMode));
	tell_of("of no name", chmod("", kMode));
	tell_of("below a file", chmod("file/dir", kMode));
	tell_of("of a file with a slash", chmod("file/", kMode));
	tell_of("by links in a circle", chmod("loop", kMode));
	memset(huge, 'a', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = 0;
	tell_of("by too long a path", chmod(huge, kMode));
	huge[300] = 0;
	tell_of("by too long a name", chmod(huge, kMode));
	tell_of("by no path", syscall(SYS_fchmodat, AT_FDCWD, nowhere, kMode));
	tell_of("of no descriptor", fchmod(99, kMode));
	tell_of("of the number of the working directory", fchmod(AT_FDCWD, kMode));
	tell_of("below no descriptor", syscall(SYS_fchmodat, 99, "dir", kMode));
	snprintf(loop, sizeof(loop), "/proc/self/fd/%d", dir);
	tell_of("by a link of proc", chmod(loop, kMode));
	tell_of("by a link of proc to a folder", chmod("/proc/self/cwd/dir", kMode));
	tell_of("of a folder of proc", chmod("/proc/1", kMode));
	/* Each link has as many components as there is room for. */
	for (size_t at = 0; at + 3 < sizeof(deep); at += 2)
		memcpy(deep + at, "./", 3);
	for (char name[] = "deep0"; name[4] < '9'; name[4]++) {
		memcpy(deep + 4088, name[4] == '0' ? "dir" : "deep", 5);
		if (name[4] != '0')
			snprintf(deep + 4088, 7, "deep%c", name[4] - 1);
		symlink(deep, name);
	}
	tell_of("by very many components", chmod("deep8", kMode));
	tell_of("read-only", chmod(readonly, kMode));
	tell_of("of the root", chmod("/../../..", kMode));
	symlink("/etc", "to-etc");
	tell_of("of a folder of root's", chmod("to-etc", kMode));
	return 0;
}

static char changing[16];

static void *
swap_names(void *unused)
{
	(void)unused;
	for (;;) {
		syscall(SYS_renameat2, AT_FDCWD, "swapped", AT_FDCWD, "other", kExchange);
		syscall(SYS_renameat2, AT_FDCWD, "link-swapped", AT_FDCWD, "link-other", kExchange);
		memcpy(changing, "swap-dir", 9);
		memcpy(changing, "swap-fil", 9);
	}
	return NULL;
}

static int
swap(int rounds)
{
	pthread_t thread;
	struct stat found;
	int files[3], changed = 0, refused = 0;

	mkdir("swapped", 0755);
	mkdir("swap-dir", 0755);
	symlink("swap-dir", "link-swapped");
	symlink("swap-fil", "link-other");
	files[0] = open("other", O_WRONLY | O_CREAT, 0755);
	files[1] = open("swap-fil", O_WRONLY | O_CREAT, 0755);
	files[2] = files[1];
	memcpy(changing, "swap-dir", 9);
	pthread_create(&thread, NULL, swap_names, NULL);
	for (int round = 0; round < rounds; round++) {
		const char *const paths[] = {"swapped", "link-swapped", changing};
		for (int which = 0; which < 3; which++) {
			if (chmod(paths[which], kMode) == 0)
				changed++;
			else
				refused++;
			if (fstat(files[which], &found) != 0 || (found.st_mode & S_ISGID) != 0)
				return 1;
		}
	}
	printf("changed: %s\nrefused: %s\n", changed > 0 ? "some" : "none", refused > 0 ? "some" : "none");
	return 0;
}

static void *
change(void *folder)
{
	for (;;)
		chmod(folder, kMode);
	return NULL;
}

static int
flood(int threads)
{
	pthread_t thread;

	mkdir("flooded", 0755);
	while (threads-- > 0)
		if (pthread_create(&thread, NULL, change, "flooded") != 0)
			return 1;
	puts("flooding");
	fflush(stdout);
	for (;;)
		pause();
}

static int
try_filters(void)
{
	struct sock_filter all = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW };
	struct sock_fprog filter = { 1, &all };

	mkdir("filtered", 0755);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	tell_of("with a listener", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, kNewListener, &filter));
	tell_of("without", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter));
	tell_bit("chmod below it", "filtered", chmod("filtered", kMode));
	return 0;
}

static int
execute_below(char **command)
{
	struct sock_filter all = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW };
	struct sock_fprog filter = { 1, &all };
	long listener;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, kNewListener, &filter);
	if (listener < 0 || fcntl((int)listener, F_SETFD, 0) != 0)
		return 1;
	execvp(command[0], command);
	return 1;
}

static int
try_root(void)
{
	mkdir("root", 0755);
	mkdir("root/in", 0755);
	mkdir("beside", 0755);
	tell_of("another root", unshare(CLONE_NEWUSER) == 0 && chroot("root") == 0 ? chdir("/") : -1);
	tell_bit("of a folder there", "/in", chmod("in", kMode));
	tell_bit("by a path above it", "/in", chmod("../../in", kMode));
	tell_of("beside it", chmod("/../beside", kMode));
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc < 3 || chdir(argv[2]) != 0)
		return 2;
	if (argc == 4 && strcmp(argv[1], "calls") == 0)
		return try_calls(argv[2], argv[3]);
	if (argc == 4 && strcmp(argv[1], "swap") == 0)
		return swap(atoi(argv[3]));
	if (argc == 4 && strcmp(argv[1], "flood") == 0)
		return flood(atoi(argv[3]));
	if (strcmp(argv[1], "chroot") == 0)
		return try_root();
	if (argc > 3 && strcmp(argv[1], "under") == 0)
		return execute_below(argv + 3);
	if (strcmp(argv[1], "paths") == 0) {
		for (int at = 3; at < argc; at++)
			tell_of(argv[at], chmod(argv[at], kMode));
		return 0;
	}
	return strcmp(argv[1], "filter") == 0 ? try_filters() : 2;
}
