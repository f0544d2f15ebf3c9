/*
 * What can be done with the standard descriptors that a command was given. Answers go to stderr.
 *
 * descriptors null      whether stdin is the /dev/null that is here; then changes its mode, owner and times
 * descriptors log       takes stdout for the log that it leads to, with what was written there before
 * descriptors input     takes stdin for the file that it comes from
 * descriptors refill READ WRITE
 *                       reads so many bytes of stdin, and then writes as many of its own into it for the next to read
 */
#define _GNU_SOURCE
#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#ifdef __FreeBSD__
#include <sys/param.h>
#include <sys/user.h>
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"

static const char planted[] = "planted";

static void
say(const char *attempt, long result)
{
	fprintf(stderr, "%s: %s\n", attempt, result >= 0 ? "ok" : name_of(errno));
}

/* Harmless where it reaches the node of the host's. */
static int
change(void)
{
	const struct timespec times[2] = {{1, 0}, {1, 0}};
	struct stat given, here;

	if (fstat(0, &given) != 0 || stat("/dev/null", &here) != 0)
		return 2;
	fprintf(stderr, "node: %s\n", given.st_dev == here.st_dev && given.st_ino == here.st_ino ? "here" : "elsewhere");
	say("mode", fchmod(0, 01666));
	say("owner", fchown(0, 0, 1));
	say("times", futimens(0, times));
	return 0;
}

static const char *
kind_of(int descriptor)
{
	struct stat found;

	if (fstat(descriptor, &found) != 0)
		return name_of(errno);
	return S_ISFIFO(found.st_mode) ? "pipe" : S_ISREG(found.st_mode) ? "file" : "else";
}

/* Where it is on the host, as far as the kernel says it. */
static void
say_path(int descriptor)
{
#ifdef __FreeBSD__
	struct kinfo_file info = {.kf_structsize = sizeof(info)};
	fprintf(stderr, "path: %s\n", fcntl(descriptor, F_KINFO, &info) == 0 && info.kf_path[0] == '/' ? info.kf_path : "none");
#else
	char link[32], path[4096] = "";
	snprintf(link, sizeof(link), "/proc/self/fd/%d", descriptor);
	if (readlink(link, path, sizeof(path) - 1) < 0)
		path[0] = 0;
	fprintf(stderr, "path: %s\n", path[0] == '/' ? path : "none");
#endif
}

/* Anew, by whatever way leads back to it. */
static int
reopened(int descriptor, int flags)
{
	char path[32];
	int again = -1;
#ifdef O_EMPTY_PATH
	again = openat(descriptor, "", flags | O_EMPTY_PATH | O_NONBLOCK);
#endif
	if (again >= 0)
		return again;
	snprintf(path, sizeof(path), "/dev/fd/%d", descriptor);
	return open(path, flags | O_NONBLOCK);
}

static void
write_over(const char *attempt, int descriptor)
{
	char name[64];

	snprintf(name, sizeof(name), "write %s", attempt);
	say(name, descriptor < 0 ? -1 : pwrite(descriptor, planted, sizeof(planted) - 1, 0));
	snprintf(name, sizeof(name), "truncate %s", attempt);
	say(name, descriptor < 0 ? -1 : ftruncate(descriptor, 3));
}

static void
read_before(const char *attempt, int descriptor)
{
	char name[64], content[64];

	snprintf(name, sizeof(name), "read %s", attempt);
	say(name, descriptor < 0 ? -1 : pread(descriptor, content, sizeof(content), 0));
}

static int
take(int descriptor)
{
	fprintf(stderr, "kind: %s\n", kind_of(descriptor));
	say_path(descriptor);
	/* Before its flags are changed: to append is one of them. */
	write_over("as given", descriptor);
	read_before("as given", descriptor);
	say("position", lseek(descriptor, 0, SEEK_SET));
	fcntl(descriptor, F_SETFL, 0);
	write_over("without append", descriptor);
	write_over("reopened", reopened(descriptor, O_RDWR));
	write_over("reopened to write", reopened(descriptor, O_WRONLY));
	read_before("reopened", reopened(descriptor, O_RDONLY));
	fchmod(descriptor, 04755);
	fchown(descriptor, 0, 1);
	return 0;
}

/* One read and one write, with nothing between them: whoever feeds the pipe is to come too late. */
static int
refill(size_t count, size_t more)
{
	static char content[1 << 20];
	int writing, waiting = 0, before = -1;
	long got, put;

#ifdef __linux__
	writing = open("/proc/self/fd/0", O_WRONLY | O_NONBLOCK);
#else
	writing = dup(0);
#endif
	if (writing < 0 || count > sizeof(content) || more > sizeof(content))
		return 2;
	memset(content, 1, sizeof(content));
	/* Until it is as full as it gets. */
	while (waiting != before || waiting == 0) {
		before = waiting;
		usleep(100000);
		if (ioctl(0, FIONREAD, &waiting) != 0)
			return 2;
	}
	got = read(0, content, count);
	put = write(writing, content, more);
	say("read", got);
	say("written", put);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "null") == 0)
		return change();
	if (argc == 2 && strcmp(argv[1], "log") == 0)
		return take(1);
	if (argc == 2 && strcmp(argv[1], "input") == 0)
		return take(0);
	if (argc == 4 && strcmp(argv[1], "refill") == 0)
		return refill(strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
	return 2;
}
