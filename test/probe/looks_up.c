/*
 * looks_up many COUNT         looks up so many paths that are missing
 * looks_up long COUNT         makes so many look-ups of few long paths
 * looks_up ways               FreeBSD: by each way to a folder and to a process, one path that is named after the way;
 *                             Linux: by calls that few programs make, one path below / that is named after the call
 * looks_up unforked           FreeBSD 15: by the number of a folder that a child does not get, where it has a socket by then
 * looks_up flood PROCESSES    looks long paths up without an end, in so many processes
 * looks_up round COUNT        goes so often through 31 links to the folder that it is in, then waits with 200 children
 * looks_up stop WAY           FreeBSD: tries to have its own calls traced no more, or elsewhere, then looks /stopped up;
 *                             ways: clear (all of it), calls, names, child, file
 */
#include <sys/types.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"

#ifdef __FreeBSD__
#include <sys/param.h>
#include <sys/ktrace.h>
#include <sys/socket.h>
#endif

static void
look(const char *path)
{
	struct stat found;

	(void)stat(path, &found);
}

static int
many(int count)
{
	char path[64];

	for (int i = 0; i < count; i++) {
		(void)snprintf(path, sizeof(path), "/tmp/missing-%d", i);
		look(path);
	}
	return tell(0);
}

static void
look_long(int process, long number)
{
	char path[1000];

	memset(path, 'x', sizeof(path));
	memcpy(path, "/tmp/", 5);
	for (size_t at = 205; at < sizeof(path); at += 200)
		path[at] = '/';
	(void)snprintf(path + sizeof(path) - 40, 40, "%d-%ld", process, number);
	look(path);
}

static int
few_long(long count)
{
	for (long i = 0; i < count; i++)
		look_long(0, i % 100);
	return tell(0);
}

static int
flood(int processes)
{
	int ended = 0;

	tell(0);
	fflush(stdout);
	for (int i = 0; i < processes; i++)
		if (fork() == 0)
			for (long number = 0;; number++)
				look_long(i, number);
	while (wait(NULL) > 0)
		ended++;
	return ended;
}

static int
round_about(int count)
{
	char path[31 * 32 + 1];

	memset(path, 'l', sizeof(path));
	for (size_t at = 31; at < sizeof(path); at += 32)
		path[at] = '/';
	path[31] = '\0';
	if (chdir("/tmp") != 0 || symlink(".", path) != 0)
		return tell(-1);
	path[31] = '/';
	path[sizeof(path) - 1] = '\0';
	for (int times = 0; times < count; times++)
		if (chdir(path) != 0)
			return tell(-1);
	for (int i = 0; i < 200; i++)
		if (fork() == 0)
			for (;;)
				pause();
	tell(0);
	fflush(stdout);
	for (;;)
		pause();
}

#ifdef __FreeBSD__
/* /tmp/w is a folder with a folder `d` in it. */
static int
ways(void)
{
	struct stat found;
	int folder, copied, made;
	DIR *listed;

	if (mkdir("/tmp/w", 0755) != 0 || mkdir("/tmp/w/d", 0755) != 0 || chdir("/tmp/w") != 0)
		return tell(-1);
	look("by-chdir");
	look("./d/../by-up");
	folder = open("d", O_RDONLY | O_DIRECTORY);
	(void)fstatat(folder, "by-descriptor", &found, 0);
	copied = dup(folder);
	close(folder);
	(void)fstatat(copied, "by-copy", &found, 0);
	made = openat(copied, "made", O_WRONLY | O_CREAT | O_EXCL, 0644);
	close(made);
	(void)unlinkat(copied, "made", 0);
	(void)fchdir(copied);
	look("by-fchdir");
	if ((listed = fdopendir(copied)) != NULL) {
		while (readdir(listed) != NULL)
			;
		closedir(listed);
	}
	if (fork() == 0) {
		look("by-fork");
		if (chdir("..") == 0)
			look("by-fork-above");
		_exit(0);
	}
	(void)wait(NULL);
	if (vfork() == 0) {
		execl("by-vfork", "by-vfork", (char *)NULL);
		_exit(0);
	}
	(void)wait(NULL);
	if (rfork(RFPROC | RFFDG) == 0) {
		look("by-rfork");
		_exit(0);
	}
	(void)wait(NULL);
	(void)open("/", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	(void)open("/new-in-root", O_WRONLY | O_CREAT, 0600);
	(void)open("/dev/null", O_RDWR);
	for (int times = 0; times < 2; times++) {
		(void)usleep(20000);
		close(open("written", O_WRONLY | O_CREAT | O_TRUNC, 0644));
	}
	(void)symlink("nowhere", "link");
	look("link");
	(void)rename("link", "moved");
	return tell(0);
}

static int
unforked(void)
{
	/* CLOSE_RANGE_CLOFORK of 15.0, which headers of 14 lack. */
	const int not_forked = 1 << 3;
	int folder = open("/tmp", O_RDONLY | O_DIRECTORY);
	int status = close_range((unsigned)folder, (unsigned)folder, CLOSE_RANGE_CLOEXEC | not_forked);

	if (status == 0 && fork() == 0) {
		int made;

		while ((made = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0 && made < folder)
			;
		(void)faccessat(folder, "by-unforked", F_OK, 0);
		_exit(made == folder ? 0 : 1);
	}
	if (status == 0)
		(void)wait(&status);
	return tell(status == 0 ? 0 : -1);
}

static int
stop(const char *way)
{
	const int all = KTRFAC_MASK;
	int status = -1, err;

	if (strcmp(way, "clear") == 0)
		status = ktrace(NULL, KTROP_CLEAR, all, getpid());
	if (strcmp(way, "calls") == 0)
		status = ktrace(NULL, KTROP_CLEAR, KTRFAC_NAMEI | KTRFAC_SYSCALL | KTRFAC_SYSRET, getpid());
	if (strcmp(way, "names") == 0)
		status = ktrace(NULL, KTROP_CLEAR, KTRFAC_NAMEI, getpid());
	if (strcmp(way, "child") == 0) {
		pid_t child = fork();

		if (child == 0) {
			sleep(1);
			look("/stopped");
			_exit(0);
		}
		status = ktrace(NULL, KTROP_CLEAR, all, child);
		err = errno;
		(void)wait(NULL);
		errno = err;
	}
	if (strcmp(way, "file") == 0) {
		close(open("/tmp/own", O_WRONLY | O_CREAT, 0600));
		status = ktrace("/tmp/own", KTROP_SET, all, getpid());
	}
	err = errno;
	look("/stopped");
	errno = err;
	return tell(status);
}
#else
#include <sys/syscall.h>

static int
ways(void)
{
	/* FAN_CLASS_NOTIF | FAN_REPORT_FID; FAN_MARK_ADD; FAN_MODIFY. */
	long group = syscall(SYS_fanotify_init, 0x200, O_RDONLY);

	(void)syscall(SYS_fanotify_mark, group, 1, 2UL, AT_FDCWD, "/by-fanotify_mark");
	/* open_tree(2): all architectures have this number. */
	(void)syscall(428, AT_FDCWD, "/by-open_tree", 0);
	return tell(group < 0 ? -1 : 0);
}

static int unforked(void) { return tell(-1); }
static int stop(const char *way) { (void)way; return tell(-1); }
#endif

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "ways") == 0)
		return ways();
	if (argc == 2 && strcmp(argv[1], "unforked") == 0)
		return unforked();
	if (argc != 3)
		return 2;
	if (strcmp(argv[1], "many") == 0)
		return many(atoi(argv[2]));
	if (strcmp(argv[1], "long") == 0)
		return few_long(atol(argv[2]));
	if (strcmp(argv[1], "flood") == 0)
		return flood(atoi(argv[2]));
	if (strcmp(argv[1], "round") == 0)
		return round_about(atoi(argv[2]));
	return strcmp(argv[1], "stop") == 0 ? stop(argv[2]) : 2;
}
