/*
 * climb DIRECTORY SECRET: stands in a directory, says so, waits for the end of stdin, and then goes up by `..` as far as it
 * leads, looking for a file by its path on the host.
 */
#include <stdio.h>
#include <unistd.h>

#include "answer.h"
#include "climb.h"

int
main(int argc, char **argv)
{
	char byte;

	if (argc != 3)
		return 2;
	if (chdir(argv[1]) != 0)
		return tell(-1);
	printf("standing\n");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return tell_reached(argv[2]);
}
