/*
 * On FreeBSD, one read of a file with holes that takes about SECONDS and that no signal ends, and what comes of it. Each
 * makes FILE, says `begins` and waits until stdin ends.
 *
 *   stalled daemon FILE SECONDS          a daemon of the kernel reads (aio(4)), and no process of the session
 *   stalled starts FILE SECONDS COUNT    so many processes are about to execute the file, which is held for as long: the kernel
 *                                        has room for the arguments of 8 a processor (exec_map_entries)
 *   stalled names FILE SECONDS           the list of POSIX shared memory is read into the file, and the kernel holds the list
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysctl.h>
#include <sys/uio.h>

#include <aio.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../answer.h"

enum { kBlock = 16 << 20, kBlocks = 16, kPieces = 1024 };

static const off_t kFileSize = (off_t)1 << 40;
static struct iovec pieces[kPieces];

static double
now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* The same memory many times. It is touched, or the kernel would let go of the file at each fault (vn_io_fault). */
static char *
memory(void)
{
	size_t size = (size_t)kBlock * kBlocks;
	int block = shm_open(SHM_ANON, O_RDWR, 0600);
	char *place = mmap(NULL, size, PROT_NONE, MAP_GUARD, -1, 0);

	if (block < 0 || ftruncate(block, kBlock) != 0 || place == MAP_FAILED)
		return NULL;
	for (size_t at = 0; at < size; at += kBlock)
		if (mmap(place + at, kBlock, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, block, 0) == MAP_FAILED)
			return NULL;
	memset(place, 1, size);
	return place;
}

/* Sets `pieces` up; returns how many of them take about so long, or 0. */
static int
measure(int file, double seconds)
{
	char *place = memory();
	size_t size = (size_t)kBlock * kBlocks;
	double start, count;

	if (place == NULL)
		return 0;
	for (int i = 0; i < kPieces; i++)
		pieces[i] = (struct iovec){ .iov_base = place, .iov_len = size };
	start = now();
	if (preadv(file, pieces, 1, 0) != (ssize_t)size)
		return 0;
	count = seconds / (now() - start);
	return count < 1 ? 1 : count > kPieces ? kPieces : (int)count;
}

static int
begins(void)
{
	char one;

	printf("begins\n");
	fflush(stdout);
	while (read(0, &one, 1) > 0)
		continue;
	return 0;
}

static int
read_by_daemon(int file, int count)
{
	static struct aiocb control;

	control.aio_fildes = file;
	control.aio_iov = pieces;
	control.aio_iovcnt = count;
	if (aio_readv(&control) != 0)
		return tell(-1);
	/* Until it is under way. */
	usleep(500000);
	return aio_error(&control) == EINPROGRESS ? begins() : tell(-1);
}

/* Who comes later waits behind who wants the file alone, though both would share it with the reader. */
static void
hold(int file, int count)
{
	if (fork() == 0) {
		preadv(file, pieces, count, 0);
		_exit(0);
	}
	usleep(500000);
	if (fork() == 0) {
		fchmod(file, 0755);
		_exit(0);
	}
	usleep(200000);
}

static int
start_many(const char *path, int many)
{
	for (int i = 0; i < many; i++) {
		if (fork() == 0) {
			execl(path, path, (char *)NULL);
			_exit(0);
		}
	}
	usleep(500000);
	return begins();
}

static int
list_names(char *page)
{
	size_t size = 65536;

	if (fork() == 0) {
		sysctlbyname("kern.ipc.posix_shm_list", page, &size, NULL, 0);
		_exit(0);
	}
	usleep(200000);
	/* As in hold(). */
	if (fork() == 0) {
		shm_open("/stalled", O_CREAT | O_RDWR, 0600);
		_exit(0);
	}
	usleep(200000);
	return begins();
}

/* So many that the kernel copies some of the list out before it has come to its end (sbuf_new_for_sysctl). */
static int
make_names(void)
{
	enum { kNames = 400 };
	char name[64];

	for (int i = 0; i < kNames; i++) {
		snprintf(name, sizeof(name), "/stalled-%d", i);
		int made = shm_open(name, O_CREAT | O_RDWR, 0600);

		if (made < 0)
			return -1;
		close(made);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	int file = argc < 4 ? -1 : open(argv[2], O_CREAT | O_RDWR, 0755), count;

	if (file < 0 || ftruncate(file, kFileSize) != 0 || (count = measure(file, atof(argv[3]))) == 0)
		return tell(-1);
	if (strcmp(argv[1], "daemon") == 0)
		return read_by_daemon(file, count);
	/* Pages that are in no memory yet; before the file is held, which mmap(2) would wait for. */
	char *page = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, file, kFileSize / 2);

	if (page == MAP_FAILED || make_names() != 0)
		return tell(-1);
	hold(file, count);
	if (argc == 5)
		return start_many(argv[2], atoi(argv[4]));
	return list_names(page);
}
