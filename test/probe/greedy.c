/*
 * What a build could take too much of; it says how far it came.
 *
 *   greedy memory            touches more and more memory, until it is refused some or killed
 *   greedy reserved          the same without touching any
 *   greedy uncounted MIB     reserves so much and then touches it. Where it is refused some, another process reserves what there
 *                            is and ends: that takes more away from what FreeBSD counts than it had (racct_proc_exit)
 *   greedy bomb COUNT        starts processes that start processes, and so on, until that was tried so often
 *   greedy forks COUNT       starts processes that wait, and tries that so often
 *   greedy zombies COUNT     the same of processes that end and are not waited for
 *   greedy threads COUNT     starts threads that wait (FreeBSD)
 *   greedy files COUNT       makes files in /tmp
 *   greedy pipes             makes pipes and fills them; then waits, with all of them, for the end of stdin
 *   greedy users FIRST COUNT a process with each of those numbers (root); then waits, with all of them, for the end of stdin
 *   greedy time SECONDS      two processes that compute; says how much processor time they got in that time
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef __FreeBSD__
#include <sys/thr.h>
#endif

#include "answer.h"

static const size_t kMib = 1024 * 1024;
/* In MiB: what nobody was to let it have. */
enum { kEnough = 512 };

static void
say(const char *what, long count)
{
	printf("%s: %ld\n", what, count);
	fflush(stdout);
}

static int
take_memory(size_t step, int is_touched)
{
	for (long taken = 0; taken < kEnough; taken += (long)(step / kMib)) {
		char *more = mmap(NULL, step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
		if (more == MAP_FAILED) {
			say("refused", taken);
			return 1;
		}
		if (is_touched)
			memset(more, 1, step);
		say("has", taken + (long)(step / kMib));
	}
	return 2;
}

/* Each time that it is asked: a process that reserves what there is, touches nothing of it, and ends. */
static void
make_forget(int asked, int told)
{
	char word;

	while (read(asked, &word, 1) == 1) {
		pid_t child = fork();
		if (child == 0) {
			while (mmap(NULL, kMib, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0) != MAP_FAILED)
				continue;
			_exit(0);
		}
		if (child > 0)
			waitpid(child, NULL, 0);
		if (write(told, &word, 1) != 1)
			break;
	}
	_exit(0);
}

static int
take_uncounted(long most)
{
	const size_t step = 8 * kMib;
	char *taken[kEnough / 8];
	int count = 0, asked[2], told[2];
	char word = 0;

	/* A copy of a process has all of its memory reserved once more, so this comes first. */
	if (pipe(asked) != 0 || pipe(told) != 0)
		return 1;
	if (fork() == 0) {
		close(asked[1]);
		make_forget(asked[0], told[1]);
	}
	/* Nothing is touched before all of it is reserved: what is not resident gets nobody killed. */
	for (int rounds = 0; count < most / 8 && count < kEnough / 8;) {
		taken[count] = mmap(NULL, step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
		if (taken[count] != MAP_FAILED) {
			count++;
			continue;
		}
		if (++rounds > 100) {
			say("remembered at", count * 8);
			return 1;
		}
		/* Another process needs some to begin with. What it reserves is taken away twice, so there is more each time. */
		for (int i = 0; i < 2 && count > 0; i++)
			munmap(taken[--count], step);
		for (int i = 0; i < 4; i++) {
			if (write(asked[1], &word, 1) != 1 || read(told[0], &word, 1) != 1)
				return 1;
		}
	}
	say("reserved", count * 8);
	for (int i = 0; i < count; i++)
		memset(taken[i], 1, step);
	say("has", count * 8);
	sleep(60);
	return 0;
}

static int
take_processes(long count, int as_zombies)
{
	long started = 0, refused = 0;

	for (long i = 0; i < count; i++) {
		pid_t child = fork();
		if (child == 0) {
			if (as_zombies)
				_exit(0);
			for (;;)
				pause();
		}
		if (child > 0)
			started++;
		else
			refused++;
		/* On FreeBSD each that is refused takes half a second (fork1). */
		if (refused == 1)
			say("first refused after", started);
	}
	say("started", started);
	say("refused", refused);
	return refused > 0;
}

static int
drop_bomb(long count)
{
	struct shared {
		long tried, refused;
	} *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANON, -1, 0);
	pid_t first = getpid();

	signal(SIGCHLD, SIG_IGN);
	while (__atomic_fetch_add(&shared->tried, 1, __ATOMIC_RELAXED) < count) {
		if (fork() < 0)
			__atomic_fetch_add(&shared->refused, 1, __ATOMIC_RELAXED);
	}
	if (getpid() != first)
		_exit(0);
	say("tried", shared->tried);
	say("refused", shared->refused);
	return 0;
}

#ifdef __FreeBSD__
static void
wait_for_ever(void *unused)
{
	(void)unused;
	for (;;)
		pause();
}

/* thr_new(2) and not pthread_create(3), which is in a library of its own. */
static int
take_threads(long count)
{
	enum { kStack = 4096 };
	long started = 0;
	char *stacks = mmap(NULL, (size_t)count * kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);

	for (; started < count; started++) {
		long thread;
		struct thr_param wanted = { .start_func = wait_for_ever, .stack_base = stacks + started * kStack, .stack_size = kStack,
			.child_tid = &thread, .parent_tid = &thread };
		if (thr_new(&wanted, sizeof(wanted)) != 0)
			break;
	}
	say("started", started);
	return started < count;
}
#else
static int
take_threads(long count)
{
	(void)count;
	return 2;
}
#endif

static int
take_files(long count)
{
	for (long i = 0; i < count; i++) {
		char name[64];
		snprintf(name, sizeof(name), "/tmp/file%ld", i);
		int fd = open(name, O_CREAT | O_WRONLY, 0600);
		if (fd < 0) {
			say("made", i);
			printf("because: %s\n", strerror(errno));
			return 1;
		}
		close(fd);
	}
	say("made", count);
	return 0;
}

static int
take_time(long seconds)
{
	pid_t children[2];
	struct rusage used;

	for (int i = 0; i < 2; i++) {
		if ((children[i] = fork()) == 0) {
			for (volatile long spin = 0;; spin++)
				continue;
		}
	}
	sleep((unsigned)seconds);
	for (int i = 0; i < 2; i++)
		kill(children[i], SIGKILL);
	for (int i = 0; i < 2; i++)
		waitpid(children[i], NULL, 0);
	getrusage(RUSAGE_CHILDREN, &used);
	say("milliseconds", used.ru_utime.tv_sec * 1000 + used.ru_utime.tv_usec / 1000);
	return 0;
}

static void
wait_for_end(void)
{
	char one;

	fflush(stdout);
	while (read(STDIN_FILENO, &one, 1) > 0)
		;
}

static int
take_pipes(void)
{
	static const char block[65536];
	long made = 0;
	int ends[2];

	for (; pipe(ends) == 0; made++) {
		fcntl(ends[1], F_SETFL, O_NONBLOCK);
		while (write(ends[1], block, sizeof(block)) > 0)
			;
	}
	printf("because: %s\n", strerror(errno));
	printf("made: %ld\n", made);
	wait_for_end();
	return 0;
}

static int
take_users(uid_t first, long count)
{
	for (long i = 0; i < count; i++) {
		int told[2];
		char one;
		pid_t child = pipe(told) == 0 ? fork() : -1;

		if (child < 0)
			return tell(-1);
		if (child == 0) {
			if (setuid(first + (uid_t)i) != 0)
				_exit(1);
			close(told[0]);
			close(told[1]);
			for (;;)
				pause();
		}
		/* Until it has closed its ends, it has not got there. */
		close(told[1]);
		while (read(told[0], &one, 1) > 0)
			;
		close(told[0]);
	}
	printf("users: %ld\n", count);
	wait_for_end();
	kill(0, SIGKILL);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	long count = argc > 2 ? atol(argv[2]) : 0;

	if (strcmp(what, "memory") == 0)
		return take_memory(16 * kMib, 1);
	if (strcmp(what, "reserved") == 0)
		return take_memory(16 * kMib, 0);
	if (strcmp(what, "uncounted") == 0)
		return take_uncounted(count);
	if (strcmp(what, "bomb") == 0)
		return drop_bomb(count);
	if (strcmp(what, "forks") == 0)
		return take_processes(count, 0);
	if (strcmp(what, "zombies") == 0)
		return take_processes(count, 1);
	if (strcmp(what, "threads") == 0)
		return take_threads(count);
	if (strcmp(what, "files") == 0)
		return take_files(count);
	if (strcmp(what, "pipes") == 0)
		return take_pipes();
	if (strcmp(what, "users") == 0 && argc == 4)
		return take_users((uid_t)count, atol(argv[3]));
	if (strcmp(what, "time") == 0)
		return take_time(count);
	fprintf(stderr, "greedy WHAT [COUNT]\n");
	return 2;
}
