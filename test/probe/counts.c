/*
 * On Linux, what the kernel counts for each user, or once for all: one line a count.
 *
 *   counts take USERS [COUNT]...    takes what there is of each, or of these, as so many users; 0: as this one. Says how much, and
 *                                   keeps it
 *   counts flood PROCESSES          the same of signals that so many processes do not take, which the kernel queues without a bound
 *   counts one                      takes one more of each
 */
#define _GNU_SOURCE
#include <stdio.h>

#ifdef __linux__
#include <netinet/in.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "answer.h"

/* A watch or a mark takes the kernel long: of those, more than a build is to have. */
enum { kMany = 300000, kManyWatched = 70000, kMostGroups = 512, kFiles = 1700, kMostUsers = 16, kMib = 1024 * 1024 };

/* Each takes one, the n-th of this process, and returns -1 if there is none. */

static long
take_timer(long n)
{
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	int timer;

	(void)n;
	return syscall(SYS_timer_create, CLOCK_MONOTONIC, &none, &timer);
}

static long
queue_signal(long n)
{
	union sigval value = { .sival_int = (int)n };

	return sigqueue(getpid(), SIGRTMIN, value);
}

/* struct mq_attr; librt is not everywhere. */
static long
take_queue(long n)
{
	static const struct { long flags, messages, size, now, spare[4]; } attributes = { .messages = 10, .size = 4096 };
	char name[32];
	long queue;

	snprintf(name, sizeof(name), "queue%d-%ld", getpid(), n);
	queue = syscall(SYS_mq_open, name, O_CREAT | O_RDWR, 0600, &attributes);
	/* It is there until this ends. */
	if (queue >= 0)
		syscall(SYS_mq_unlink, name);
	return queue;
}

static int watchers[kMostGroups], groups[kMostGroups];
static long watcher_count, group_count;
static char folder[64];

static long
take_watcher(long n)
{
	(void)n;
	if (watcher_count == kMostGroups || (watchers[watcher_count] = inotify_init1(IN_CLOEXEC)) < 0)
		return -1;
	return watcher_count++;
}

static long
take_group(long n)
{
	(void)n;
	if (group_count == kMostGroups || (groups[group_count] = fanotify_init(FAN_CLASS_NOTIF | 0x200 /* FAN_REPORT_FID */ | FAN_CLOEXEC, 0)) < 0)
		return -1;
	return group_count++;
}

static const char *
file(long n)
{
	static char name[128];

	snprintf(name, sizeof(name), "%s/%ld", folder, n % kFiles);
	return name;
}

/* One at least is there in each. */
static long
take_watch(long n)
{
	if (n == kManyWatched || n / kFiles >= watcher_count)
		return -1;
	return inotify_add_watch(watchers[n / kFiles], file(n), IN_MODIFY);
}

static long
take_mark(long n)
{
	if (n == kManyWatched || n / kFiles >= group_count)
		return -1;
	return fanotify_mark(groups[n / kFiles], FAN_MARK_ADD, FAN_MODIFY, AT_FDCWD, file(n));
}

/* A MiB that is locked for a user and not for a process (shmctl(2), SHM_LOCK). It goes with this process. */
static long
lock_memory(long n)
{
	int segment = shmget(IPC_PRIVATE, kMib, 0600);
	long locked;

	(void)n;
	if (segment < 0 || shmat(segment, NULL, 0) == (void *)-1)
		return -1;
	locked = shmctl(segment, SHM_LOCK, NULL);
	shmctl(segment, IPC_RMID, NULL);
	return locked;
}

/* struct in6_flowlabel_req of linux/in6.h: makes a label that no other socket shares. */
static long
take_label(long n)
{
	static int sender = -1;
	struct { struct in6_addr to; unsigned label; unsigned char action, share; unsigned short flags, expires, linger; unsigned pad; } asked =
		{ .to = IN6ADDR_LOOPBACK_INIT, .share = 1, .flags = 1, .linger = 60, .expires = 60 };

	/* The more there are, the fewer a socket gets: in the end one. */
	(void)n;
	for (int i = 0; i < 2; i++) {
		if (sender >= 0 && setsockopt(sender, IPPROTO_IPV6, 32 /* IPV6_FLOWLABEL_MGR */, &asked, sizeof(asked)) == 0)
			return 0;
		sender = socket(AF_INET6, SOCK_DGRAM, 0);
	}
	return setsockopt(sender, IPPROTO_IPV6, 32, &asked, sizeof(asked));
}

/* As many as one message takes, to nobody who reads (unix(7), SCM_RIGHTS). */
static long
send_descriptors(long n)
{
	enum { kOfMessage = 253 };
	static char rights[CMSG_SPACE(kOfMessage * sizeof(int))];
	static int ends[2] = { -1, -1 };
	char byte = 0;
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = rights, .msg_controllen = sizeof(rights) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	(void)n;
	memset(rights, 0, sizeof(rights));
	*head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(kOfMessage * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	for (int i = 0; i < 2; i++) {
		if (ends[0] >= 0 && sendmsg(ends[0], &message, MSG_DONTWAIT) >= 0)
			return 0;
		if (ends[0] >= 0 && errno != EAGAIN)
			return -1;
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
			return -1;
	}
	return -1;
}

static int
keep_namespace(void *kept)
{
	*(int *)kept = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	return 0;
}

/* One that a descriptor keeps. A process that can have no more descriptors keeps what it has, and a child of it goes on. */
static long
take_namespace(long n)
{
	static char stack[65536];
	int kept = -1, child;

	(void)n;
	for (int i = 0; i < 2 && kept < 0; i++) {
		child = clone(keep_namespace, stack + sizeof(stack), CLONE_NEWUSER | CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, &kept);
		if (child < 0)
			return -1;
		waitpid(child, NULL, 0);
		if (kept >= 0 || i > 0)
			break;
		while (fork() != 0)
			pause();
		syscall(SYS_close_range, 3, ~0U, 0);
	}
	return kept;
}

static const struct {
	const char *name;
	long (*take)(long n);
} counts[] = {
	{ "signals", queue_signal }, { "timers", take_timer }, { "descriptors on the way", send_descriptors }, { "queues", take_queue }, { "inotify", take_watcher },
	{ "inotify watches", take_watch }, { "fanotify", take_group }, { "fanotify marks", take_mark }, { "locked", lock_memory },
	{ "flow labels", take_label }, { "user namespaces", take_namespace },
};
enum { kCounts = sizeof(counts) / sizeof(*counts) };

static void
make_files(long count)
{
	snprintf(folder, sizeof(folder), "/tmp/counts%d", getpid());
	mkdir(folder, 0700);
	for (long n = 0; n < count; n++)
		close(open(file(n), O_CREAT | O_WRONLY, 0600));
}

static void
remove_files(long count)
{
	for (long n = 0; n < count; n++)
		unlink(file(n));
	rmdir(folder);
}

static void
begin(void)
{
	struct rlimit files;
	sigset_t real_time;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	sigemptyset(&real_time);
	sigaddset(&real_time, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &real_time, NULL);
}

static void
stay(void)
{
	printf("all: taken\n");
	fflush(stdout);
	for (;;)
		pause();
}

static int
is_wanted(const char *name, char **wanted)
{
	if (*wanted == NULL)
		return 1;
	while (*wanted != NULL && strcmp(*wanted, name) != 0)
		wanted++;
	return *wanted != NULL;
}

static int
take_all(int users, char **wanted)
{
	struct shared {
		long taken[kCounts][kMostUsers], done;
	} *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	for (int user = 0; user < (users > 0 ? users : 1); user++) {
		if (fork() != 0)
			continue;
		if (users > 0 && (setgid(1000 + user) != 0 || setuid(1000 + user) != 0))
			_exit(2);
		begin();
		make_files(kFiles);
		for (int i = 0; i < kCounts; i++) {
			while (is_wanted(counts[i].name, wanted) && shared->taken[i][user] < kMany && counts[i].take(shared->taken[i][user]) >= 0)
				shared->taken[i][user]++;
		}
		__atomic_fetch_add(&shared->done, 1, __ATOMIC_SEQ_CST);
		for (;;)
			pause();
	}
	while (__atomic_load_n(&shared->done, __ATOMIC_SEQ_CST) < (users > 0 ? users : 1)) {
		if (waitpid(-1, NULL, WNOHANG) > 0)
			return 1;
		usleep(10000);
	}
	for (int i = 0; i < kCounts; i++) {
		long sum = 0;
		for (int user = 0; user < kMostUsers; user++)
			sum += shared->taken[i][user];
		if (is_wanted(counts[i].name, wanted))
			printf("%s: %ld\n", counts[i].name, sum);
	}
	stay();
	return 0;
}

static int
flood(long count)
{
	sigset_t all;
	long queued = 0;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	for (long i = 0; i < count; i++) {
		pid_t child = fork();
		if (child == 0) {
			for (;;)
				pause();
		}
		for (int signal = 1; child > 0 && signal < 32; signal++) {
			if (signal != SIGKILL && signal != SIGSTOP && kill(child, signal) == 0)
				queued++;
		}
	}
	printf("signals: %ld\n", queued);
	stay();
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "take") == 0)
		return take_all(atoi(argv[2]), argv + 3);
	if (argc == 3 && strcmp(argv[1], "flood") == 0)
		return flood(atol(argv[2]));
	if (argc == 2 && strcmp(argv[1], "one") == 0) {
		begin();
		make_files(1);
		for (int i = 0; i < kCounts; i++)
			tell_of(counts[i].name, counts[i].take(0));
		remove_files(1);
		return 0;
	}
	return 2;
}
#else
int
main(void)
{
	printf("all: ENOSYS\n");
	return 2;
}
#endif
