/*
 * exchange PATH LINK ASIDE: on the host, makes a path mean a directory and a symbolic link in turn, as fast as it can, until
 * its parent is gone. PATH is the directory, LINK the link, ASIDE free; all in the same place.
 */
#include <stdio.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	pid_t parent = getppid();

	if (argc != 4)
		return 2;
	while (getppid() == parent) {
		if (rename(argv[1], argv[3]) != 0 || rename(argv[2], argv[1]) != 0 || rename(argv[1], argv[2]) != 0 ||
		    rename(argv[3], argv[1]) != 0)
			return 1;
	}
	return 0;
}
