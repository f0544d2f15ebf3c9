/*
 * On FreeBSD, what could make the end of a process last: it makes so many, says so, and waits until stdin ends.
 *
 *   lingers terminals COUNT    terminals with output that nobody reads. The process has both sides, and the kernel closes
 *                              first the side that waits for a reader (tty_drain)
 *   lingers locks FILE COUNT   record locks on a file (fcntl(2))
 *   lingers names COUNT        POSIX shared memory (shm_open(2))
 *   lingers files FOLDER COUNT files there, mapped and closed: each keeps a vnode(9), and none a descriptor
 */
#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "../answer.h"

static int
wait_with(long made)
{
	char one;

	printf("made: %ld\n", made);
	fflush(stdout);
	while (read(0, &one, 1) > 0)
		continue;
	return 0;
}

static int
make_terminal(int high)
{
	static const char text[4096];
	char path[64];
	unsigned number;
	int master = posix_openpt(O_RDWR | O_NOCTTY), other;

	if (master < 0 || ioctl(master, TIOCGPTN, &number) != 0)
		return -1;
	snprintf(path, sizeof(path), "/dev/pts/%u", number);
	if ((other = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK)) < 0 || dup2(master, high) < 0)
		return -1;
	close(master);
	while (write(other, text, sizeof(text)) > 0)
		continue;
	return errno == EAGAIN ? 0 : -1;
}

static int
map_one(const char *folder, long number)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%ld", folder, number);
	int file = open(path, O_CREAT | O_RDWR, 0644);
	void *mapped = file < 0 || ftruncate(file, 1) != 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);

	close(file);
	return mapped == MAP_FAILED ? -1 : 0;
}

static int
lock_one(int file, int how, off_t at)
{
	struct flock wanted = { .l_start = at, .l_len = 1, .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(file, how, &wanted);
}

int
main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	long count = atol(argc > 2 ? argv[argc - 1] : "0"), made = 0;

	if (strcmp(what, "terminals") == 0) {
		while (made < count && make_terminal(1000 + (int)made) == 0)
			made++;
		return wait_with(made);
	}
	if (strcmp(what, "locks") == 0 && argc == 4) {
		int file = open(argv[2], O_CREAT | O_RDWR, 0644);

		/* From behind, where the kernel finds each place at once; and apart, so that none become one. */
		for (off_t at = 2 * count; made < count && lock_one(file, F_SETLK, at) == 0; at -= 2)
			made++;
		return wait_with(made);
	}
	if (strcmp(what, "names") == 0) {
		char name[64];
		int one;

		for (; made < count; made++) {
			snprintf(name, sizeof(name), "/lingers-%ld", made);
			if ((one = shm_open(name, O_CREAT | O_RDWR, 0600)) < 0)
				break;
			close(one);
		}
		return wait_with(made);
	}
	if (strcmp(what, "files") == 0 && argc == 4) {
		char folder[1024];

		/* One folder is slow with so many. */
		for (; made < count; made++) {
			snprintf(folder, sizeof(folder), "%s/d%ld", argv[2], made / 1000);
			if (made % 1000 == 0)
				mkdir(folder, 0755);
			if (map_one(folder, made) != 0)
				break;
		}
		return wait_with(made);
	}
	return 2;
}
