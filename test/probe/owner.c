/*
 * Tries to have the signals of a socket sent to another process (fcntl(2), F_SETOWN), for each argument.
 *
 *   owner PID...
 */
#include <sys/socket.h>

#include <fcntl.h>
#include <stdlib.h>

#include "answer.h"

int
main(int argc, char **argv)
{
	int pair[2];

	if (argc < 2 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		return 2;
	for (int i = 1; i < argc; i++)
		tell_of(argv[i], fcntl(pair[0], F_SETOWN, atoi(argv[i])));
	return 0;
}
