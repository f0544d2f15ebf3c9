/*
 * On FreeBSD, system calls that no signal ends before their work is done. Each says `begins` right before.
 *
 *   endless read SECONDS [FILE]  reads into the same memory again and again by one preadv(2), for about so long; makes the file first
 *   endless allocate FILE GIB    posix_fallocate(2)
 *
 *   endless stop PID             stops a process with SIGSTOP as soon as SIGKILL has come to it and has not ended it yet: `waits`, then `ok`
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/sysctl.h>
#include <sys/uio.h>
#include <sys/user.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../answer.h"

static const off_t kGib = (off_t)1 << 30;
/* As many as one call takes (readv(2), IOV_MAX). */
enum { kPieces = 1024 };

static double
now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* The size of each piece decides how long it takes. */
static long
read_into(int source, char *memory, size_t each)
{
	static struct iovec pieces[kPieces];

	for (int i = 0; i < kPieces; i++)
		pieces[i] = (struct iovec){ .iov_base = memory, .iov_len = each };
	return preadv(source, pieces, kPieces, 0);
}

static int
read_for(double seconds, const char *file)
{
	enum { kMeasured = 32 << 10 };
	/* Sparse: whoever reads it gets zeros, and none take any memory. */
	int source = shm_open(SHM_ANON, O_RDWR, 0600), memory = shm_open(SHM_ANON, O_RDWR, 0600);
	size_t block = 16 << 20, many = 2048;
	char *place = mmap(NULL, block * many, PROT_NONE, MAP_GUARD, -1, 0);
	double start, took;
	size_t each;

	if (ftruncate(source, 32768 * kGib) != 0 || ftruncate(memory, (off_t)block) != 0 || place == MAP_FAILED)
		return tell(-1);
	for (size_t i = 0; i < many; i++) {
		if (mmap(place + i * block, block, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, memory, 0) == MAP_FAILED)
			return tell(-1);
	}
	memset(place, 1, block);
	start = now();
	if (read_into(source, place, kMeasured) < 0)
		return tell(-1);
	took = now() - start;
	each = (size_t)(kMeasured * (seconds / took));
	if (each > block * many)
		each = block * many;
	if (file != NULL)
		close(open(file, O_CREAT | O_WRONLY, 0644));
	printf("begins\n");
	fflush(stdout);
	return tell(read_into(source, place, each));
}

static int
allocate(const char *file, off_t gibibytes)
{
	int made = open(file, O_CREAT | O_RDWR, 0644);

	if (made < 0)
		return tell(-1);
	printf("begins\n");
	fflush(stdout);
	errno = posix_fallocate(made, 0, gibibytes * kGib);
	return tell(errno == 0 ? 0 : -1);
}

static int
look_at(pid_t pid, struct kinfo_proc *found)
{
	int name[] = { CTL_KERN, KERN_PROC, KERN_PROC_PID, pid };
	size_t size = sizeof(*found);

	if (sysctl(name, 4, found, &size, NULL, 0) == 0 && size == sizeof(*found) && found->ki_stat != SZOMB)
		return 0;
	errno = ESRCH;
	return -1;
}

static int
stop_killed(pid_t pid)
{
	struct kinfo_proc found;

	printf("waits\n");
	fflush(stdout);
	do {
		usleep(1000);
		if (look_at(pid, &found) != 0)
			return tell(-1);
	} while (!sigismember(&found.ki_siglist, SIGKILL));
	/* Several calls may have sent it. */
	usleep(200000);
	return tell(look_at(pid, &found) != 0 ? -1 : kill(pid, SIGSTOP));
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "stop") == 0)
		return stop_killed(atoi(argv[2]));
	if (argc > 2 && strcmp(argv[1], "read") == 0)
		return read_for(atof(argv[2]), argv[3]);
	if (argc == 4 && strcmp(argv[1], "allocate") == 0)
		return allocate(argv[2], atol(argv[3]));
	return 2;
}
