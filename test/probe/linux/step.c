/*
 * step PID STOPS kill|stop|trace: traces a process from call to call. Prints "held" once it does; at that stop it ends the process, stops
 * it or keeps it for a moment, and prints "done"; "over" if the process ended before.
 */
#define _GNU_SOURCE /* __WALL */
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const useconds_t moment = 30000;

/* False if it has ended. */
static int
wait_for_stop(pid_t pid)
{
	int status;

	return waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status);
}

static void
act(pid_t pid, const char *what)
{
	if (strcmp(what, "kill") == 0) {
		kill(pid, SIGKILL);
		/* The host program waits for it after its tracer has (ptrace(2)). */
		while (wait_for_stop(pid))
			ptrace(PTRACE_CONT, pid, NULL, NULL);
	} else if (strcmp(what, "stop") == 0) {
		ptrace(PTRACE_DETACH, pid, NULL, (void *)SIGSTOP);
		usleep(moment);
		kill(pid, SIGCONT);
	} else {
		usleep(moment);
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
	}
}

int
main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	pid_t pid = atoi(argv[1]);
	long stops = atol(argv[2]);

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0) {
		perror("ptrace");
		return 1;
	}
	if (!wait_for_stop(pid))
		return 1;
	puts("held");
	fflush(stdout);
	for (; stops > 0; stops--) {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) < 0 || !wait_for_stop(pid)) {
			puts("over");
			return 0;
		}
	}
	act(pid, argv[3]);
	puts("done");
	return 0;
}
