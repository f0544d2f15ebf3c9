/*
 * What a build that is root inside could do to another process by having its number: `reach PID`, one line an attempt.
 * Linux; elsewhere there is no init to reach.
 */
#define _GNU_SOURCE /* prlimit(2), sched_setaffinity(2) */
#include <sys/types.h>
#include <sys/ptrace.h>
#include <sys/resource.h>

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "../answer.h"

static void
attempt(pid_t pid)
{
	const struct rlimit none = { 0, 0 };
	const struct sched_param usual = { 0 };
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	tell_of("limit", prlimit(pid, RLIMIT_NOFILE, &none, NULL));
	tell_of("priority", setpriority(PRIO_PROCESS, (id_t)pid, 19));
	tell_of("processors", sched_setaffinity(pid, sizeof(first), &first));
	tell_of("scheduler", sched_setscheduler(pid, SCHED_BATCH, &usual));
	tell_of("trace", ptrace(PTRACE_SEIZE, pid, NULL, NULL));
}

int
main(int argc, char **argv)
{
	attempt(argc > 1 ? (pid_t)atoi(argv[1]) : 1);
	return 0;
}
