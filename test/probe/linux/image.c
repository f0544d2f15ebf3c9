/*
 * image    until stdin ends, stops each command that is launched beside it and looks for a program that is no file of
 *          the session (init's) behind it. Prints what it did with the first one that it found, and in the end whether
 *          it met any command.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../answer.h"
#include "../next_launch.h"

enum { kMostSpins = 20000, kMostLooks = 200, kLongestNs = 300000 };

static void
let_run(long nanoseconds)
{
	struct timespec began, now;

	clock_gettime(CLOCK_MONOTONIC, &began);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - began.tv_sec) * 1000000000L + now.tv_nsec - began.tv_nsec < nanoseconds);
}

/* Whether it was init's program that the process executes. */
static int
take_program(pid_t pid)
{
	char path[64], name[256];
	ssize_t size;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	size = readlink(path, name, sizeof(name) - 1);
	if (size < 0)
		return 0;
	name[size] = 0;
	if (strncmp(name, "/memfd:", 7) != 0)
		return 0;
	tell_of("mode", chmod(path, 0));
	tell_of("write", open(path, O_RDWR));
	tell_of("read", open(path, O_RDONLY));
	return 1;
}

int
main(void)
{
	int met = 0, is_taken = 0;

	printf("hunting: ok\n");
	fflush(stdout);
	while (!is_over()) {
		pid_t next = next_number();
		int spins = 0, looks = 0;
		long turn = 0;

		while (kill(next, SIGSTOP) < 0 && spins++ < kMostSpins)
			continue;
		if (spins > kMostSpins)
			continue;
		met = 1;
		while (!is_taken && looks++ < kMostLooks && !(is_taken = take_program(next))) {
			kill(next, SIGCONT);
			turn = (turn + 37000) % kLongestNs;
			let_run(turn);
			if (kill(next, SIGSTOP) < 0 && errno == ESRCH)
				break;
		}
		kill(next, SIGCONT);
		fflush(stdout);
	}
	printf("met: %s\n", met ? "ok" : "none");
	return 0;
}
