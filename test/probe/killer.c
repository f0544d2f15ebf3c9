/*
 * killer    kills every process that it may, all the time, until it is killed itself
 */
#include <sys/types.h>

#include <signal.h>
#include <stdio.h>

int
main(void)
{
	printf("killing\n");
	fflush(stdout);
	for (;;)
		kill(-1, SIGKILL);
}
