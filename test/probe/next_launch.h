/* For probes that wait for the next command of their session, until their stdin ends. */
#ifndef BUILDJAIL_PROBE_NEXT_LAUNCH_H
#define BUILDJAIL_PROBE_NEXT_LAUNCH_H

#include <sys/types.h>
#include <sys/wait.h>

#include <poll.h>
#include <unistd.h>

/* The number that is given next, by giving one. */
static pid_t
next_number(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	if (child > 0)
		waitpid(child, NULL, 0);
	return child + 1;
}

static int
is_over(void)
{
	struct pollfd input = { 0, POLLIN, 0 };
	char byte;

	return poll(&input, 1, 0) > 0 && read(0, &byte, 1) <= 0;
}

#endif
