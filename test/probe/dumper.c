/*
 * dumper dump    until stdin ends, or it has what must be more than its own, makes whatever appears beside it dump core, now at once, now after it was stopped for a
 *                while: a child that is being launched may still have the memory of the host program
 * dumper stop    until stdin ends, stops whatever appears beside it, and lets none of it go on
 *
 * It says that it is ready, when it has met the first, and afterwards how many there were.
 */
#define _GNU_SOURCE /* prlimit(2) */
#include <sys/types.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "next_launch.h"

#ifdef __FreeBSD__
#include <sys/sysctl.h>
#endif

/* Numbers are given in order, so what comes next is close by. */
enum { kAhead = 24, kRoundsOfNothing = 64, kHeld = 3, kRemembered = 4096, kAttempts = 2000 };

static const off_t kLarge = 32 << 20;

struct held {
	pid_t pid;
	long until;
};

static struct held held[kHeld];
static pid_t seized[kRemembered];
static long stopped, raised;

static long
milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int
raise_limit(pid_t pid)
{
	struct rlimit most = { RLIM_INFINITY, RLIM_INFINITY };

#ifdef __linux__
	return prlimit(pid, RLIMIT_CORE, &most, NULL);
#else
	int mib[5] = { CTL_KERN, KERN_PROC, KERN_PROC_RLIMIT, (int)pid, RLIMIT_CORE };

	return sysctl(mib, 5, NULL, NULL, &most, sizeof(most));
#endif
}

static void
dump(pid_t pid)
{
	static const int signals[] = { SIGQUIT, SIGSEGV, SIGABRT, SIGSYS };
	static unsigned int turn;

	if (raise_limit(pid) == 0)
		raised++;
	kill(pid, signals[turn++ % 4]);
	/* Until it is executed FreeBSD lets nobody continue what may be stopped (security.bsd.conservative_signals). */
	for (int attempt = 0; attempt < kAttempts && kill(pid, SIGCONT) != 0 && errno == EPERM; attempt++)
		usleep(1000);
}

/* Its launcher goes on with others meanwhile, and what it does for them it does to the memory that they all have. */
static void
hold(pid_t pid, long duration)
{
	int oldest = 0;

	for (int i = 0; i < kHeld; i++)
		if (held[i].until < held[oldest].until)
			oldest = i;
	if (held[oldest].pid != 0)
		dump(held[oldest].pid);
	held[oldest].pid = pid;
	held[oldest].until = milliseconds() + duration;
}

static void
let_go(long now)
{
	for (int i = 0; i < kHeld; i++)
		if (held[i].pid != 0 && held[i].until <= now) {
			dump(held[i].pid);
			memset(&held[i], 0, sizeof(held[i]));
		}
}

static int
is_seized(pid_t pid)
{
	return seized[pid % kRemembered] == pid;
}

static void
seize(pid_t pid, int lets_go)
{
	static unsigned int turn;
	static const long durations[] = { 0, 1, 3, 10 };
	long duration = durations[turn++ % 4];

	if (stopped++ == 0) {
		printf("met\n");
		fflush(stdout);
	}
	seized[pid % kRemembered] = pid;
	if (!lets_go)
		return;
	if (duration == 0)
		dump(pid);
	else
		hold(pid, duration);
}

/*
 * The next one would have the same name. True once one is too large for any program of the build: that is enough, and the
 * disk is the host's.
 */
static int
keep(void)
{
	static int kept;
	static char name[32];
	struct stat core;

	if (access("core", F_OK) == 0) {
		snprintf(name, sizeof(name), "kept.%d", kept++);
		rename("core", name);
	}
	/* It grows while it is being written. */
	return stat(name, &core) == 0 && core.st_size > kLarge;
}

static pid_t first, end;

/* One look at all from the first that may still be had to those that come next. */
static void
look(int lets_go)
{
	static int rounds;
	pid_t before = end;

	for (pid_t pid = first; pid < end + kAhead; pid++) {
		if (is_seized(pid))
			continue;
		int is_stopped = kill(pid, SIGSTOP) == 0;
		/* Of somebody else as yet, it is tried again. */
		if ((is_stopped || errno != ESRCH) && pid >= end)
			end = pid + 1;
		if (is_stopped)
			seize(pid, lets_go);
	}
	while (first < end && (is_seized(first) || (kill(first, 0) != 0 && errno == ESRCH)))
		first++;
	rounds = end == before ? rounds + 1 : 0;
	if (rounds < kRoundsOfNothing)
		return;
	rounds = 0;
	end = next_number();
	/* Numbers begin again. */
	if (first > end)
		first = end;
}

int
main(int argc, char **argv)
{
	int lets_go = argc == 2 && strcmp(argv[1], "dump") == 0;

	if (!lets_go && (argc != 2 || strcmp(argv[1], "stop") != 0))
		return 2;
	/* Before it is told: what is launched then may all be there at the first look. */
	first = end = next_number();
	printf("ready\n");
	fflush(stdout);
	while (!is_over()) {
		look(lets_go);
		if (!lets_go)
			continue;
		let_go(milliseconds());
		if (keep())
			break;
	}
	let_go(milliseconds() + 1000);
	printf("stopped: %ld\nraised: %ld\n", stopped, raised);
	return 0;
}
