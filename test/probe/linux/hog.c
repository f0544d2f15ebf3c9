/*
 * On Linux, what a build can take too much of, and what it could undo of that: one line a thing.
 *
 *   hog memory BYTES           touches so much memory of its own, and says when it has it
 *   hog files FOLDER BYTES     writes so much into a file there
 *   hog names FOLDER COUNT     makes so many empty files there, as far as it can
 *   hog forks COUNT            forks so often; those that begin end when it does
 *   hog sockets COUNT          so many that nobody reads from, and what waits in them all together
 *   hog spin COUNT SECONDS     so many processes that compute, and how much time they had all together
 *   hog terminals              takes what there is of terminals
 *   hog score                  has itself killed last where memory runs out
 */
#define _GNU_SOURCE /* posix_openpt(3) */
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../answer.h"

static int
take_memory(size_t bytes)
{
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return tell(-1);
	for (size_t at = 0; at < bytes; at += 4096)
		memory[at] = (char)(at / 4096 + 1);
	printf("has it\n");
	return 0;
}

static int
fill_folder(const char *folder, size_t bytes)
{
	static char block[65536];
	char path[4096];
	int file;

	snprintf(path, sizeof(path), "%s/full", folder);
	file = open(path, O_CREAT | O_WRONLY, 0600);
	for (size_t written = 0; file >= 0 && written < bytes; written += sizeof(block)) {
		if (write(file, block, sizeof(block)) < 0)
			return tell(-1);
	}
	return tell(file);
}

static int
make_names(const char *folder, long count)
{
	char path[4096];
	long made = 0;
	int file = -1;

	for (; made < count; made++) {
		snprintf(path, sizeof(path), "%s/%ld", folder, made);
		if ((file = open(path, O_CREAT | O_WRONLY, 0600)) < 0)
			break;
		close(file);
	}
	printf("made: %ld\n", made);
	tell_of("the next", file);
	return 0;
}

/* struct sockaddr_in of 127.0.0.1, and any port. */
static struct sockaddr_in
loopback(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

static int
fill_sockets(long count)
{
	static const char datagram[1024];
	/* What waits to be read comes first (SK_MEMINFO_RMEM_ALLOC). */
	unsigned waiting[16];
	long long held = 0;
	int sender = socket(AF_INET, SOCK_DGRAM, 0);

	for (long i = 0; i < count; i++) {
		struct sockaddr_in address = loopback();
		socklen_t size = sizeof(address), room = sizeof(waiting);
		int one = socket(AF_INET, SOCK_DGRAM, 0);

		if (one < 0 || bind(one, (struct sockaddr *)&address, size) != 0 || getsockname(one, (struct sockaddr *)&address, &size) != 0)
			break;
		for (int sent = 0; sent < 400; sent++)
			sendto(sender, datagram, sizeof(datagram), 0, (struct sockaddr *)&address, size);
		if (getsockopt(one, SOL_SOCKET, SO_MEMINFO, waiting, &room) == 0)
			held += waiting[0];
	}
	printf("held: %lld\n", held);
	return 0;
}

/* Also where that has ended by now (prctl(2), PR_SET_PDEATHSIG). */
static void
end_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
}

static int
fork_often(long count)
{
	long began = 0, refused = 0;
	pid_t parent = getpid(), child;

	for (long i = 0; i < count; i++) {
		if ((child = fork()) == 0) {
			end_with(parent);
			for (;;)
				pause();
		}
		if (child > 0)
			began++;
		else
			refused++;
	}
	printf("began: %ld\nrefused: %ld\n", began, refused);
	return refused > 0;
}

static int
spin(long count, unsigned seconds)
{
	struct rusage used;
	pid_t parent = getpid();

	for (long i = 0; i < count; i++) {
		if (fork() == 0) {
			end_with(parent);
			alarm(seconds);
			for (;;)
				;
		}
	}
	while (wait(NULL) > 0)
		;
	getrusage(RUSAGE_CHILDREN, &used);
	printf("milliseconds: %ld\n", (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000);
	return 0;
}

static int
take_terminals(void)
{
	struct rlimit files;
	long count;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	for (count = 0; count < 512 && posix_openpt(O_RDWR | O_NOCTTY) >= 0; count++)
		;
	printf("terminals: %ld\n", count);
	return 0;
}

static int
go_last(void)
{
	static const char *const scores[] = { "-1000", "0", "500", "999" };
	int file;

	for (size_t i = 0; i < sizeof(scores) / sizeof(*scores); i++) {
		file = open("/proc/self/oom_score_adj", O_WRONLY);
		tell_of(scores[i], file < 0 ? -1 : write(file, scores[i], strlen(scores[i])));
	}
	file = open("/proc/self/oom_adj", O_WRONLY);
	tell_of("by the file of old", file < 0 ? -1 : write(file, "-17", 3));
	return 0;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "memory") == 0 && argc == 3)
		return take_memory(strtoul(argv[2], NULL, 10));
	if (strcmp(what, "files") == 0 && argc == 4)
		return fill_folder(argv[2], strtoul(argv[3], NULL, 10));
	if (strcmp(what, "names") == 0 && argc == 4)
		return make_names(argv[2], strtol(argv[3], NULL, 10));
	if (strcmp(what, "forks") == 0 && argc == 3)
		return fork_often(strtol(argv[2], NULL, 10));
	if (strcmp(what, "sockets") == 0 && argc == 3)
		return fill_sockets(strtol(argv[2], NULL, 10));
	if (strcmp(what, "spin") == 0 && argc == 4)
		return spin(strtol(argv[2], NULL, 10), (unsigned)strtoul(argv[3], NULL, 10));
	if (strcmp(what, "terminals") == 0)
		return take_terminals();
	if (strcmp(what, "score") == 0)
		return go_last();
	return 2;
}
