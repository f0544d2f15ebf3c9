/*
 * early         until stdin ends, looks at whatever is launched beside it until it sees its program. If that is not
 *               executed yet, it stops it (SIGSTOP) and tries to get at its descriptors and its memory: pidfd_getfd(2),
 *               ptrace(2), process_vm_readv(2), /proc/PID. Prints each thing that it got, and in the end whether it met
 *               any command before that was executed.
 * early hold    stops the first of them as soon as it may, until stdin ends, for others to look at.
 */
#define _GNU_SOURCE /* process_vm_readv(2) */
#include <sys/types.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../next_launch.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

enum { kMostDescriptors = 12 };

/* Until it executes a command has the program of its init, whose name everybody sees. */
static int
is_launching(pid_t pid)
{
	char path[64], name[32];

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = file < 0 ? -1 : read(file, name, sizeof(name));
	if (file >= 0)
		close(file);
	return got > 9 && memcmp(name, "buildjail", 9) == 0;
}

/* The letter of its state (proc_pid_stat(5)). */
static char
state_of(pid_t pid)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = file < 0 ? -1 : read(file, text, sizeof(text) - 1);
	if (file >= 0)
		close(file);
	text[got > 0 ? got : 0] = '\0';
	const char *end = strrchr(text, ')');
	return end != NULL ? end[2] : 'X';
}

/* What was got from one command. It counts only if that has not been executed by then. */
static char taken[8192];

static void
got(const char *how, const char *what)
{
	size_t length = strlen(taken);

	snprintf(taken + length, sizeof(taken) - length, "got by %s: %s\n", how, what);
}

static void
try_link(pid_t pid, const char *name)
{
	char path[64], link[256];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	ssize_t length = readlink(path, link, sizeof(link) - 1);
	if (length < 0)
		return;
	link[length] = '\0';
	got(name, link);
}

static void
try_descriptors(pid_t pid)
{
	char path[64], link[256];
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	for (int number = 0; number < kMostDescriptors; number++) {
		int copy = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
		snprintf(path, sizeof(path), "fd/%d", number);
		try_link(pid, path);
		if (copy < 0)
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", copy);
		ssize_t length = readlink(path, link, sizeof(link) - 1);
		link[length > 0 ? length : 0] = '\0';
		got("pidfd_getfd", link);
		close(copy);
	}
	close(pidfd);
}

static void
try_memory(pid_t pid)
{
	static const char *const files[] = { "mem", "environ", "maps", "auxv", "syscall" };
	char path[64], byte[1];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, files[i]);
		int file = open(path, O_RDONLY | O_CLOEXEC);
		/* The address 0 is in no process: another errno is that of access. */
		if (file >= 0 && (read(file, byte, 1) >= 0 || errno == EIO))
			got("open", files[i]);
		if (file >= 0)
			close(file);
	}
	struct iovec here = { byte, 1 }, there = { (void *)1, 1 };
	if (process_vm_readv(pid, &here, 1, &there, 1, 0) == 1 || errno == EFAULT)
		got("process_vm_readv", "memory");
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0) {
		got("ptrace", "the command");
		/* Else nobody hears of its end before this process does. */
		ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
		waitpid(pid, NULL, __WALL);
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
	}
}

/* Whether it has not executed yet. /proc hides what this process may not look at (proc(5), hidepid). */
static int
is_early(pid_t pid)
{
	const char state = state_of(pid);

	return state == 'X' ? kill(pid, 0) == 0 : strchr("Tt", state) != NULL && is_launching(pid);
}

/* Looks at its program until that can be seen. 1: before it executed, 0: only then, -1: never. */
static int
see_program(pid_t pid)
{
	enum { kTries = 200000 };
	char path[64], link[64];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	for (int tries = 0; tries < kTries && kill(pid, 0) == 0; tries++) {
		ssize_t length = readlink(path, link, sizeof(link) - 1);
		if (length < 0)
			continue;
		link[length] = '\0';
		return strstr(link, "buildjail-init") != NULL;
	}
	return -1;
}

/* All that can be had of one that was seen before it executed. */
static void
take_from(pid_t pid)
{
	taken[0] = '\0';
	try_descriptors(pid);
	try_memory(pid);
	try_link(pid, "exe");
	try_link(pid, "cwd");
	if (is_early(pid))
		fputs(taken, stdout);
	printf("seen before it executed\n");
	fflush(stdout);
}

/* Whether it was met before it executed. `is_held`: it stays as it is until stdin ends, for somebody else to look at. */
static int
meet(pid_t pid, int is_held)
{
	enum { kTries = 200000 };
	int tries = 0, is_met;

	/* It may be signalled from the moment on when it is the build user's. */
	while (kill(pid, is_held ? SIGSTOP : 0) != 0)
		if (errno != EPERM || ++tries == kTries)
			return 0;
	if (!is_held) {
		is_met = state_of(pid) == 'X' || is_launching(pid);
		if (see_program(pid) != 1)
			return is_met;
		kill(pid, SIGSTOP);
	}
	/* So that it has stopped, or is executed by then. */
	usleep(is_held ? 100000 : 1000);
	is_met = is_early(pid);
	if (is_met && is_held) {
		printf("held\n");
		fflush(stdout);
		while (!is_over())
			usleep(1000);
	} else if (!is_held) {
		take_from(pid);
	}
	kill(pid, SIGCONT);
	return is_met;
}

int
main(int argc, char **argv)
{
	const int is_held = argc == 2 && strcmp(argv[1], "hold") == 0;
	enum { kAhead = 6, kRoundsOfNothing = 64 };
	long met = 0;
	int nothing = 0;
	pid_t next = next_number();

	printf("hunting\n");
	fflush(stdout);
	while (!is_over()) {
		pid_t found = 0;
		for (pid_t pid = next; pid < next + kAhead; pid++) {
			if (kill(pid, 0) != 0 && errno == ESRCH)
				continue;
			found = pid;
			met += meet(pid, is_held);
		}
		if (found != 0) {
			next = found + 1;
			nothing = 0;
		} else if (++nothing > kRoundsOfNothing) {
			next = next_number();
			nothing = 0;
		}
	}
	printf("%s\n", met > 0 ? "some met" : "none met");
	return 0;
}
