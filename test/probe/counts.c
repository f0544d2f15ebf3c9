/*
 * What the kernel counts for each user, or once for all: one line a count. On FreeBSD only `take` and `room`, with 0 users.
 *
 *   counts take USERS [COUNT]...    takes what there is of each, or of these, as so many users; 0: as this one. Says how much, and
 *                                   keeps it
 *   counts room [COUNT]...          the same up to 30,000, and gives it back
 *   counts flood PROCESSES          the same of signals that so many processes do not take, which the kernel queues without a bound
 *   counts one [COUNT]...           takes one more of each
 */
#define _GNU_SOURCE
#include <stdio.h>

#include <sys/types.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <netinet/in.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "answer.h"

/* A watch or a mark takes the kernel long, and so does a lock beside many: of those, more than a build is to have, or a good deal. */
enum { kMany = 300000, kManyWatched = 70000, kManyLocks = 10000, kRoom = 30000, kMostPinned = 64, kMostGroups = 512, kFiles = 1700, kMostUsers = 16, kMib = 1024 * 1024 };

/* Each takes one, the n-th of this process, and returns -1 if there is none. */

static long
take_terminal(long n)
{
	(void)n;
	return posix_openpt(O_RDWR | O_NOCTTY);
}

static long
take_pinned(long n)
{
	void *memory = n == kMostPinned ? MAP_FAILED : mmap(NULL, kMib, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);

	return memory == MAP_FAILED ? -1 : mlock(memory, kMib);
}

/* A byte each, with one between them. It goes with this process. */
static long
take_record_lock(long n)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2 * n, .l_len = 1 };
	static int locked = -1;
	char name[64];

	if (locked < 0) {
		snprintf(name, sizeof(name), "/tmp/locked%d", getpid());
		locked = open(name, O_CREAT | O_RDWR, 0600);
		unlink(name);
	}
	return n == kManyLocks ? -1 : fcntl(locked, F_SETLK, &lock);
}

/* A connection whose one end is gone while what it sent waits for the other, which does not read. */
static long
take_orphan(long n)
{
	static char block[65536];
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), sender = socket(AF_INET, SOCK_STREAM, 0), room = 4096, kept = -1;

	if (n == kMostGroups)
		return -1;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	setsockopt(sender, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	if (bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 1) == 0 && getsockname(listener, (struct sockaddr *)&address, &size) == 0 &&
	    connect(sender, (struct sockaddr *)&address, size) == 0)
		kept = accept(listener, NULL, NULL);
	fcntl(sender, F_SETFL, O_NONBLOCK);
	while (kept >= 0 && send(sender, block, sizeof(block), 0) > 0)
		continue;
	close(sender);
	close(listener);
	return kept;
}

/* A MiB that waits, without a copy of it, for a reader that does not read (SO_ZEROCOPY). */
static long
take_zero_copy(long n)
{
	enum { kZeroCopy = 60, kSendsZeroCopy = 0x4000000 };
	static char block[65536];
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), sender = socket(AF_INET, SOCK_STREAM, 0), room = 4096, more = 16 * kMib, yes = 1;
	size_t sent = 0;

	(void)n;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	setsockopt(sender, SOL_SOCKET, SO_SNDBUF, &more, sizeof(more));
	if (setsockopt(sender, SOL_SOCKET, kZeroCopy, &yes, sizeof(yes)) != 0 || bind(listener, (struct sockaddr *)&address, size) != 0 ||
	    listen(listener, 1) != 0 || getsockname(listener, (struct sockaddr *)&address, &size) != 0 || connect(sender, (struct sockaddr *)&address, size) != 0)
		return -1;
	while (sent < kMib) {
		ssize_t part = send(sender, block, sizeof(block), kSendsZeroCopy | MSG_DONTWAIT);

		if (part < 0)
			return -1;
		sent += (size_t)part;
	}
	return 0;
}

/* A file in a folder, as many as that may have. */
static long
take_name(const char *at, long n)
{
	char name[64];
	int made;

	snprintf(name, sizeof(name), "%s/taken%d-%ld", at, getpid(), n);
	if ((made = open(name, O_CREAT | O_WRONLY, 0600)) >= 0)
		close(made);
	return made;
}

static long
take_file(long n)
{
	return take_name("/tmp", n);
}

/* One that has opened all that it may. */
static long
take_process(long n)
{
	pid_t child = fork();

	(void)n;
	if (child == 0) {
		while (open("/dev/null", O_RDONLY) >= 0)
			continue;
		raise(SIGSTOP);
		for (;;)
			pause();
	}
	return child < 0 ? -1 : waitpid(child, NULL, WUNTRACED);
}

#ifdef __linux__
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/sem.h>
#include <sys/shm.h>

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

/* Of a file each, and of a watcher more where there is none left without. */
static long
take_watch(long n)
{
	if (n == kManyWatched || (n / kFiles >= watcher_count && take_watcher(n) < 0))
		return -1;
	return inotify_add_watch(watchers[n / kFiles], file(n), IN_MODIFY);
}

static long
take_mark(long n)
{
	if (n == kManyWatched || (n / kFiles >= group_count && take_group(n) < 0))
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

	/* Root has no bound. */
	if (n == kManyLocks)
		return -1;
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

/* Of the largest that everybody may have: as much as 16 others. */
static long
take_pipe(long n)
{
	int ends[2];

	if (n == kMostGroups || pipe(ends) != 0)
		return -1;
	if (fcntl(ends[1], F_SETPIPE_SZ, kMib) == kMib)
		return 0;
	close(ends[0]);
	close(ends[1]);
	return -1;
}

/* Each of a set watches each of some others. */
static long
take_epoll_watch(long n)
{
	enum { kWatched = 64 };
	static int watched[kWatched], watcher = -1;
	struct epoll_event event = { .events = EPOLLIN };

	if (n < kWatched && (watched[n] = epoll_create1(0)) < 0)
		return -1;
	if (n % kWatched == 0 && n >= kWatched && (watcher = epoll_create1(0)) < 0)
		return -1;
	return n < kWatched ? 0 : epoll_ctl(watcher, EPOLL_CTL_ADD, watched[n % kWatched], &event);
}

static long
take_key(long n)
{
	char name[32];

	snprintf(name, sizeof(name), "taken%ld", n);
	return syscall(SYS_add_key, "user", name, "x", 1, -2 /* KEY_SPEC_PROCESS_KEYRING */);
}

static long
take_huge_page(long n)
{
	(void)n;
	return mmap(NULL, 2 * kMib, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON | MAP_HUGETLB, -1, 0) == MAP_FAILED ? -1 : 0;
}

static long
take_context(long n)
{
	unsigned long context = 0;

	(void)n;
	return syscall(SYS_io_setup, 128, &context);
}

static long
take_segment(long n)
{
	return n == kManyLocks ? -1 : shmget(IPC_PRIVATE, 4096, 0600);
}

static long
take_semaphores(long n)
{
	return n == kManyLocks ? -1 : semget(IPC_PRIVATE, 1, 0600);
}

static long
take_shared(long n)
{
	return take_name("/dev/shm", n);
}

static const struct {
	const char *name;
	long (*take)(long n);
} counts[] = {
	{ "signals", queue_signal }, { "timers", take_timer }, { "descriptors on the way", send_descriptors }, { "queues", take_queue }, { "inotify", take_watcher },
	{ "inotify watches", take_watch }, { "fanotify", take_group }, { "fanotify marks", take_mark }, { "locked", lock_memory },
	{ "zero copies", take_zero_copy },
	{ "flow labels", take_label }, { "user namespaces", take_namespace },
	/* The last takes every descriptor that is left, so what needs some comes before it. */
	{ "terminals", take_terminal }, { "pipes", take_pipe }, { "epoll watches", take_epoll_watch }, { "orphans", take_orphan }, { "keys", take_key },
	{ "huge pages", take_huge_page }, { "contexts", take_context }, { "pinned", take_pinned }, { "record locks", take_record_lock }, { "segments", take_segment },
	{ "semaphores", take_semaphores }, { "shared memory", take_shared }, { "files", take_file }, { "processes", take_process },
};
#else /* FreeBSD */
#include <sys/event.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include <aio.h>

/* Since 15.0. */
#if __has_include(<sys/inotify.h>)
#include <sys/inotify.h>
#else
#define inotify_init1(flags) (errno = ENOSYS, -1)
#define IN_CLOEXEC 0
#endif

static long
take_watcher(long n)
{
	(void)n;
	return inotify_init1(IN_CLOEXEC);
}

static long
take_kqueue(long n)
{
	(void)n;
	return kqueue();
}

static long
take_timer(long n)
{
	static int queue = -1;
	struct kevent timer;

	if (queue < 0)
		queue = kqueue();
	EV_SET(&timer, (uintptr_t)n, EVFILT_TIMER, EV_ADD, 0, 1000000000, NULL);
	return kevent(queue, &timer, 1, NULL, 0, NULL);
}

static long
take_pipe(long n)
{
	static const char block[65536];
	int ends[2];

	(void)n;
	if (pipe(ends) != 0)
		return -1;
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	while (write(ends[1], block, sizeof(block)) > 0)
		continue;
	return 0;
}

/* To a pair that nobody reads, so that it stays on its way. */
static long
take_request(long n)
{
	static struct aiocb requests[4096];
	static char byte;
	int ends[2];

	if (n == sizeof(requests) / sizeof(*requests) || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
		return -1;
	requests[n] = (struct aiocb){ .aio_fildes = ends[0], .aio_buf = &byte, .aio_nbytes = 1 };
	return aio_read(&requests[n]);
}

/* It goes with this process, for want of a name (ksem_init(2)). */
static long
take_semaphore(long n)
{
	intptr_t id = 0;

	(void)n;
	return syscall(SYS_ksem_init, &id, 0);
}

static long
take_queue(long n)
{
	char name[32];
	long queue;

	snprintf(name, sizeof(name), "/queue%d-%ld", getpid(), n);
	queue = syscall(SYS_kmq_open, name, O_CREAT | O_RDWR, 0600, NULL);
	if (queue >= 0)
		syscall(SYS_kmq_unlink, name);
	return queue;
}

static long
take_segment(long n)
{
	(void)n;
	return shmget(IPC_PRIVATE, 4096, 0600);
}

static long
take_semaphores(long n)
{
	(void)n;
	return semget(IPC_PRIVATE, 1, 0600);
}

static long
take_shared(long n)
{
	int memory = shm_open(SHM_ANON, O_RDWR, 0600);

	(void)n;
	return memory < 0 ? -1 : ftruncate(memory, kMib);
}

static long
take_socket(long n)
{
	(void)n;
	return socket(AF_UNIX, SOCK_DGRAM, 0);
}

static const struct {
	const char *name;
	long (*take)(long n);
} counts[] = {
	{ "terminals", take_terminal }, { "kqueue timers", take_timer }, { "aio requests", take_request }, { "semaphores", take_semaphore }, { "queues", take_queue },
	{ "segments", take_segment }, { "System V semaphores", take_semaphores }, { "shared memory", take_shared }, { "pinned", take_pinned },
	{ "record locks", take_record_lock }, { "inotify", take_watcher }, { "pipes", take_pipe }, { "kqueues", take_kqueue }, { "sockets", take_socket }, { "orphans", take_orphan },
	{ "files", take_file }, { "processes", take_process },
};
#endif
enum { kCounts = sizeof(counts) / sizeof(*counts) };

#ifdef __linux__
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
#else
static void
make_files(long count)
{
	(void)count;
}

static void
remove_files(long count)
{
	(void)count;
}
#endif

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

static long
most_of(int count, long most)
{
	long taken = 0;

	while (taken < most && counts[count].take(taken) >= 0)
		taken++;
	return taken;
}

/* What has no name goes with this process. */
static int
look_for_room(char **wanted)
{
	begin();
	make_files(kFiles);
	for (int i = 0; i < kCounts; i++) {
		if (is_wanted(counts[i].name, wanted))
			printf("%s: %ld\n", counts[i].name, most_of(i, kRoom));
	}
	remove_files(kFiles);
	return 0;
}

static int
take_all(int users, char **wanted)
{
	struct shared {
		long taken[kCounts][kMostUsers], done;
	} *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANON, -1, 0);

	for (int user = 0; user < (users > 0 ? users : 1); user++) {
		if (fork() != 0)
			continue;
		if (users > 0 && (setgid(1000 + user) != 0 || setuid(1000 + user) != 0))
			_exit(2);
		begin();
		make_files(kFiles);
		for (int i = 0; i < kCounts; i++) {
			if (is_wanted(counts[i].name, wanted))
				shared->taken[i][user] = most_of(i, kMany);
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
	if (argc > 1 && strcmp(argv[1], "room") == 0)
		return look_for_room(argv + 2);
	if (argc > 1 && strcmp(argv[1], "one") == 0) {
		begin();
		make_files(1);
		for (int i = 0; i < kCounts; i++) {
			if (is_wanted(counts[i].name, argv + 2))
				tell_of(counts[i].name, counts[i].take(0));
		}
		remove_files(1);
		return 0;
	}
	return 2;
}
