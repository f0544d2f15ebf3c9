/*
 * kernel_files           prints each file below /proc and /sys that can be opened for writing, with NUMBER for the
 *                        number of a process, and in the end how many were tried
 * kernel_files stalls N  has the kernel watch /proc/pressure N times (psi.rst, "Monitoring for pressure thresholds"),
 *                        says how often it did and why no more, and waits until it is killed
 */
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../answer.h"

static long tried;

static int
is_number(const char *name)
{
	return name[strspn(name, "0123456789")] == '\0';
}

/* A file that a session covers is its /dev/null. */
static int
is_covered(int fd)
{
	struct stat found;

	return fstat(fd, &found) == 0 && S_ISCHR(found.st_mode) && found.st_rdev == makedev(1, 3);
}

/* `shown` is the path with NUMBER for numbers of processes. */
static void
look(const char *path, const char *shown)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	if (folder == NULL)
		return;
	while ((entry = readdir(folder)) != NULL) {
		char inside[4096], told[4096];
		int fd;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(inside, sizeof(inside), "%s/%s", path, entry->d_name);
		snprintf(told, sizeof(told), "%s/%s", shown, is_number(entry->d_name) ? "NUMBER" : entry->d_name);
		if (entry->d_type == DT_DIR) {
			look(inside, told);
			continue;
		}
		/* A link leads out of /proc, or to a folder that is there by its number. */
		if (entry->d_type == DT_LNK)
			continue;
		tried++;
		fd = open(inside, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
		if (fd < 0)
			continue;
		if (!is_covered(fd))
			puts(told);
		close(fd);
	}
	closedir(folder);
}

static int
stall(long count)
{
	static const char trigger[] = "some 150000 2000000";
	long made = 0;

	while (made < count) {
		int fd = open("/proc/pressure/cpu", O_RDWR | O_NONBLOCK | O_CLOEXEC);

		if (fd < 0 || write(fd, trigger, sizeof(trigger)) < 0)
			break;
		made++;
	}
	printf("made: %ld\nwhy: %s\n", made, made == count ? "all" : name_of(errno));
	fflush(stdout);
	for (;;)
		pause();
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "stalls") == 0)
		return stall(atol(argv[2]));
	if (argc != 1)
		return 2;
	look("/proc", "/proc");
	look("/sys", "/sys");
	printf("tried: %ld\n", tried);
	return 0;
}
