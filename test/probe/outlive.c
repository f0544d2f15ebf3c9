/*
 * outlive FILE [exitkill]    a command that takes no notice of SIGTERM: a child traces it and keeps every SIGSTOP from it, and
 *                            it goes on making children, each with one that adds to FILE all the time; with `exitkill` it
 *                            dies as soon as the one that traces it does, and its other children are orphans
 * outlive FILE beside        the same, traced by a command beside it, and as fast as it can once it is to be stopped; it has so many
 *                            more children that a look at all of them takes longer than a fork, and writes to FILE.limit how many
 *                            processes it may have when it is refused one
 * outlive trace FILE         traces that command, says so, and tells it of a SIGSTOP
 * outlive flood FILE         adds to FILE all the time, and its children stop everything that they may
 * outlive chain FILE         goes on by a process that makes another and ends, which makes another and ends, ...: each adds to FILE
 */
#define _GNU_SOURCE /* __WALL */
#include <sys/types.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
beat(const char *file)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_APPEND, 0666);

	for (;;) {
		if (write(fd, ".", 1) != 1)
			_exit(1);
		usleep(100000);
	}
}

static int
flood(const char *file)
{
	/* The more there are, the longer is each signal to all on its way. */
	for (int i = 0; i < 40; i++) {
		if (fork() != 0)
			continue;
		for (;;)
			pause();
	}
	for (int i = 0; i < 4; i++) {
		if (fork() != 0)
			continue;
		/* What adds to the file does so before it is stopped for the first time. */
		usleep(300000);
		for (;;)
			kill(-1, SIGSTOP);
	}
	beat(file);
	return 1;
}

static int
chain(const char *file)
{
	signal(SIGTERM, SIG_IGN);
	/* Those that have ended do not stay as zombies. */
	signal(SIGCHLD, SIG_IGN);
	if (fork() != 0) {
		for (;;)
			pause();
	}
	for (int made = 0;; made++) {
		int fd = made % 100 == 0 ? open(file, O_WRONLY | O_CREAT | O_APPEND, 0666) : -1;

		if (fd >= 0 && write(fd, ".", 1) != 1)
			_exit(1);
		if (fd >= 0)
			close(fd);
		if (fork() > 0)
			_exit(0);
	}
}

#ifdef __linux__
static int
trace(pid_t pid, long options, int ready, long told)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, options) != 0 || write(ready, "traced\n", 7) != 7)
		return 1;
	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
		int sent = WSTOPSIG(status);

		ptrace(PTRACE_CONT, pid, NULL, sent == SIGSTOP ? told : status >> 16 != 0 ? 0L : (long)sent);
	}
	return 0;
}

/* The number of the command beside, which that has written down. */
static pid_t
number_in(const char *file)
{
	char text[32] = "";
	int fd = -1;

	while (strchr(text, '\n') == NULL) {
		usleep(1000);
		fd = open(file, O_RDONLY);
		if (fd >= 0 && read(fd, text, sizeof(text) - 1) < 0)
			return 0;
		close(fd);
	}
	return (pid_t)atoi(text);
}

static void
write_number(const char *file, int number)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	dprintf(fd, "%d\n", number);
	close(fd);
}

static void
write_limit(const char *file)
{
	struct rlimit limit;
	char name[256];

	snprintf(name, sizeof(name), "%s.limit", file);
	if (getrlimit(RLIMIT_NPROC, &limit) == 0)
		write_number(name, (int)limit.rlim_cur);
}

static volatile sig_atomic_t is_told;

static void
hear(int signal)
{
	(void)signal;
	is_told = 1;
}

static int
is_traced(void)
{
	char text[4096];
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t got = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[got > 0 ? got : 0] = '\0';
	return strstr(text, "TracerPid:\t0\n") == NULL;
}

int
main(int argc, char **argv)
{
	char number[256];
	pid_t self = getpid();
	int is_beside = argc == 3 && strcmp(argv[2], "beside") == 0;

	if (argc == 3 && strcmp(argv[1], "flood") == 0)
		return flood(argv[2]);
	if (argc == 3 && strcmp(argv[1], "chain") == 0)
		return chain(argv[2]);
	if (argc < 2)
		return 2;
	snprintf(number, sizeof(number), "%s.pid", argv[argc == 3 && strcmp(argv[1], "trace") == 0 ? 2 : 1]);
	if (argc == 3 && strcmp(argv[1], "trace") == 0)
		return trace(number_in(number), 0, 1, SIGUSR1);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGUSR1, hear);
	for (int i = 0; is_beside && i < 60; i++) {
		if (fork() != 0)
			continue;
		for (;;)
			pause();
	}
	if (is_beside)
		write_number(number, (int)self);
	else if (fork() == 0)
		_exit(trace(self, argc == 3 ? PTRACE_O_EXITKILL : 0, 1, 0));
	while (!is_traced())
		usleep(1000);
	for (int made = 0, is_refused = 0;; made++) {
		pid_t child = fork();

		if (child == 0) {
			pid_t below = is_told ? 0 : fork();

			/* Not more than a machine can bear. */
			ualarm(made < 50 ? 0 : 700000, 0);
			if (below == 0)
				beat(argv[1]);
			for (;;)
				pause();
		}
		if (child < 0 && is_told && is_beside && !is_refused) {
			is_refused = 1;
			write_limit(argv[1]);
		}
		if (child < 0 || !is_told)
			usleep(3000);
	}
}
#else
int
main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	return strcmp(argv[1], "flood") == 0 ? flood(argv[2]) : chain(argv[2]);
}
#endif
