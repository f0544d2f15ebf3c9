/*
 * trace PID...    tries to trace each of these processes, to stop it and to end it; one line each
 * trace hunt      until stdin ends, tries to trace whatever appears beside it, and says which programs it got at before
 *                 they had been executed: a child that is being launched shares the memory of the host program until then
 */
#define _GNU_SOURCE /* __WALL */
#include <sys/types.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"

#ifdef __linux__
static long
attach(pid_t pid)
{
	return ptrace(PTRACE_SEIZE, pid, NULL, NULL);
}

/* What clone(2) made need not end with SIGCHLD (wait(2), __WALL). */
static void
wait_for_stop(pid_t pid)
{
	ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
	waitpid(pid, NULL, __WALL);
}

static void
let_go(pid_t pid)
{
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
}

/* What it executed; it can be read by who may trace. */
static int
program_of(pid_t pid, char *name, size_t size)
{
	char link[64];

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	ssize_t length = readlink(link, name, size - 1);
	name[length > 0 ? length : 0] = '\0';
	return length > 0;
}
#else
#include <sys/sysctl.h>

static long
attach(pid_t pid)
{
	return ptrace(PT_ATTACH, pid, NULL, 0);
}

static void
wait_for_stop(pid_t pid)
{
	waitpid(pid, NULL, 0);
}

static void
let_go(pid_t pid)
{
	ptrace(PT_DETACH, pid, (caddr_t)1, 0);
	/* Attaching sent it a SIGSTOP. */
	kill(pid, SIGCONT);
}

/* What it executed. */
static int
program_of(pid_t pid, char *name, size_t size)
{
	int mib[4] = { CTL_KERN, KERN_PROC, KERN_PROC_PATHNAME, (int)pid };

	name[0] = '\0';
	return sysctl(mib, 4, name, &size, NULL, 0) == 0 && name[0] != '\0';
}
#endif

/* A runtime of JavaScript is what no build of these tests executes. */
static int
is_host_program(const char *name)
{
	return strstr(name, "node") != NULL || strstr(name, "bun") != NULL;
}

static int
is_over(void)
{
	struct pollfd input = { 0, POLLIN, 0 };
	char byte;

	return poll(&input, 1, 0) > 0 && read(0, &byte, 1) <= 0;
}

static int
hunt(void)
{
	char name[1024];
	int seen = 0, caught = 0;
	pid_t last = getpid();

	printf("hunting\n");
	fflush(stdout);
	while (!is_over()) {
		/* Numbers are given in order, so what comes next is close by. */
		for (pid_t pid = last + 1; pid <= last + 40; pid++) {
			if (attach(pid) != 0) {
				if (errno != ESRCH)
					seen++;
				continue;
			}
			seen++;
			wait_for_stop(pid);
			if (program_of(pid, name, sizeof(name)) && is_host_program(name)) {
				caught++;
				printf("caught %s\n", name);
			}
			let_go(pid);
			last = pid;
		}
		if (kill(last, 0) != 0) {
			for (pid_t pid = last + 40; pid > last; pid--)
				if (kill(pid, 0) == 0 || errno == EPERM) {
					last = pid - 1;
					break;
				}
		}
	}
	printf("%s, %d caught\n", seen > 0 ? "some seen" : "none seen", caught);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "hunt") == 0)
		return hunt();
	for (int i = 1; i < argc; i++) {
		pid_t pid = (pid_t)atoi(argv[i]);
		tell_of("trace", attach(pid));
		tell_of("stop", kill(pid, SIGSTOP));
		tell_of("end", kill(pid, SIGKILL));
	}
	return 0;
}
