/*
 * suser SETTING VALUE    FreeBSD, as root: leaves a daemon of another user behind, which no signal but one ends, then sets
 *                        an integer of the kernel's for its jail; says what came of it, and stays
 */
#include <sys/types.h>
#include <sys/sysctl.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../answer.h"

static void
stay(void)
{
	for (int signal = 1; signal < NSIG; signal++)
		if (signal != SIGKILL && signal != SIGSTOP)
			(void)sigignore(signal);
	for (;;)
		pause();
}

static void
leave_daemon(void)
{
	if (fork() != 0)
		return;
	if (setsid() < 0 || setgid(35099) != 0 || setuid(35099) != 0)
		_exit(1);
	stay();
}

int
main(int argc, char **argv)
{
	if (argc != 3 || argv[1][0] == '\0')
		return 2;
	int value = atoi(argv[2]);

	leave_daemon();
	sleep(1);
	tell(sysctlbyname(argv[1], NULL, NULL, &value, sizeof(value)));
	fflush(stdout);
	stay();
	return 0;
}
