/*
 * onlooker    until stdin ends, looks at whatever appears beside it, and says what it sees of a host program: its
 *             arguments, its environment, and what it has mapped and open. A command that is being launched is that
 *             program until it executes.
 */
#define _GNU_SOURCE /* memmem(3) */
#include <sys/types.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "next_launch.h"

#ifdef __linux__
#include <fcntl.h>

static size_t
shown(const char *what, pid_t pid, char *text, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
	int file = open(path, O_RDONLY);
	ssize_t got = file < 0 ? -1 : read(file, text, size);
	if (file >= 0)
		close(file);
	return got > 0 ? (size_t)got : 0;
}

static size_t
arguments_of(pid_t pid, char *text, size_t size)
{
	return shown("cmdline", pid, text, size);
}

static size_t
environment_of(pid_t pid, char *text, size_t size)
{
	return shown("environ", pid, text, size);
}

static size_t
mappings_of(pid_t pid, char *text, size_t size)
{
	return shown("maps", pid, text, size);
}

static size_t
descriptors_of(pid_t pid, char *text, size_t size)
{
	enum { kMost = 64 };
	size_t used = 0;
	char path[64];

	for (int number = 0; number < kMost && used < size; number++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, number);
		ssize_t got = readlink(path, text + used, size - used);
		used += got > 0 ? (size_t)got : 0;
	}
	return used;
}
#else
#include <sys/sysctl.h>

static size_t
shown(int what, pid_t pid, char *text, size_t size)
{
	int mib[4] = { CTL_KERN, KERN_PROC, what, (int)pid };

	return sysctl(mib, 4, text, &size, NULL, 0) == 0 ? size : 0;
}

static size_t
arguments_of(pid_t pid, char *text, size_t size)
{
	return shown(KERN_PROC_ARGS, pid, text, size);
}

static size_t
environment_of(pid_t pid, char *text, size_t size)
{
	return shown(KERN_PROC_ENV, pid, text, size);
}

static size_t
mappings_of(pid_t pid, char *text, size_t size)
{
	return shown(KERN_PROC_VMMAP, pid, text, size);
}

static size_t
descriptors_of(pid_t pid, char *text, size_t size)
{
	size_t used = shown(KERN_PROC_FILEDESC, pid, text, size);

	return used + shown(KERN_PROC_CWD, pid, text + used, size - used);
}
#endif

/* The words of the host programs of these tests: a runtime of JavaScript, and what it was given. */
static int
is_of_host_program(const char *text, size_t size)
{
	static const char *const words[] = { "node", "bun", "vitest", ".mjs", "BUILDJAIL" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (memmem(text, size, words[i], strlen(words[i])) != NULL)
			return 1;
	return 0;
}

int
main(void)
{
	/* Numbers are given in order, so what comes next is close by. */
	enum { kAhead = 12, kRoundsOfNothing = 32 };
	static char text[1 << 16];
	long seen = 0, arguments = 0, environments = 0, others = 0;
	int nothing = 0;
	pid_t next = next_number();

	printf("looking\n");
	fflush(stdout);
	while (!is_over()) {
		pid_t found = 0;
		for (pid_t pid = next; pid < next + kAhead; pid++) {
			size_t size = arguments_of(pid, text, sizeof(text));
			if (size == 0)
				continue;
			found = pid;
			arguments += is_of_host_program(text, size);
			environments += is_of_host_program(text, environment_of(pid, text, sizeof(text)));
			others += is_of_host_program(text, mappings_of(pid, text, sizeof(text)));
			others += is_of_host_program(text, descriptors_of(pid, text, sizeof(text)));
		}
		/* It is looked at until it is gone. */
		if (found != 0) {
			next = found;
			nothing = 0;
			seen++;
		} else if (++nothing > kRoundsOfNothing) {
			next = next_number();
			nothing = 0;
		}
	}
	printf("%s, %ld arguments, %ld environments and %ld mappings and descriptors of a host program\n", seen > 0 ? "some seen" : "none seen",
		arguments, environments, others);
	return 0;
}
