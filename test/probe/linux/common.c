/*
 * common init       what comes of each attempt on pid 1 of the session; one line an attempt
 * common peers      the same on the process at the other end of each socket that is a standard descriptor
 * common user       has all processes of its user run later than others (setpriority(2), ioprio_set(2)), then waits
 *                   until stdin ends
 * common give NAME  to whoever takes them at an abstract socket (unix(7)): descriptors of /output, of a file there, and
 *                   of a folder of that
 * common take NAME  takes them, says so, waits until stdin ends, and tries what they are good for
 */
#define _GNU_SOURCE
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../answer.h"

/* By number, where headers may be older than the kernel. */
enum {
	kPidfdSendSignal = 424, kPidfdOpen = 434, kPidfdGetfd = 438, kProcessMadvise = 440,
	kPeerPidfd = 77, kIoprioProcess = 1, kIoprioUser = 3, kIoprioIdle = 3 << 13
};

static void
wait_for_end(void)
{
	char byte;

	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		continue;
}

static void
try_descriptor(int pidfd)
{
	long got = -1;

	for (int i = 0; i < 64 && got < 0; i++)
		got = syscall(kPidfdGetfd, pidfd, i, 0);
	tell_of("a descriptor", got);
}

static void
try_init(void)
{
	static char bytes[16];
	struct iovec mine = { bytes, sizeof(bytes) }, its = { (void *)0x400000, sizeof(bytes) };
	int pidfd = (int)syscall(kPidfdOpen, 1, 0);

	try_descriptor(pidfd);
	tell_of("memory", process_vm_readv(1, &mine, 1, &its, 1, 0));
	tell_of("trace", ptrace(PTRACE_SEIZE, 1, NULL, NULL));
	tell_of("compare", syscall(SYS_kcmp, getpid(), 1, 0, 0, 0));
	tell_of("move", syscall(SYS_move_pages, 1, 0, NULL, NULL, NULL, 0));
	tell_of("root", open("/proc/1/root", O_PATH));
	tell_of("priority", setpriority(PRIO_PROCESS, 1, 19));
	tell_of("policy", sched_setscheduler(1, SCHED_IDLE, &(struct sched_param){ 0 }));
	tell_of("ioprio", syscall(SYS_ioprio_set, kIoprioProcess, 1, kIoprioIdle));
	tell_of("limits", prlimit(1, RLIMIT_NOFILE, &(struct rlimit){ 0, 0 }, NULL));
}

static void
try_peers(void)
{
	for (int i = 0; i < 3; i++) {
		int pidfd = -1;
		socklen_t size = sizeof(pidfd);

		if (getsockopt(i, SOL_SOCKET, kPeerPidfd, &pidfd, &size) < 0)
			continue;
		tell_of("met", 0);
		try_descriptor(pidfd);
		tell_of("signal", syscall(kPidfdSendSignal, pidfd, SIGCONT, NULL, 0));
		return;
	}
}

static int
at_socket(const char *name, int (*attach)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int end = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	strncpy(address.sun_path + 1, name, sizeof(address.sun_path) - 2);
	return attach(end, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name)))
	    == 0 ? end : -1;
}

struct message {
	union {
		char bytes[CMSG_SPACE(3 * sizeof(int))];
		struct cmsghdr header;
	} rights;
	char byte;
	struct iovec part;
	struct msghdr header;
};

static struct msghdr *
set_up(struct message *message)
{
	message->part = (struct iovec){ &message->byte, 1 };
	message->header = (struct msghdr){ .msg_iov = &message->part, .msg_iovlen = 1, .msg_control = &message->rights,
	    .msg_controllen = sizeof(message->rights) };
	return &message->header;
}

static int
give(const char *name)
{
	static struct message message;
	int given[3], end = at_socket(name, connect);

	mkdir("/output/folder", 0755);
	given[0] = open("/output", O_RDONLY | O_DIRECTORY);
	given[1] = open("/output/file", O_CREAT | O_RDWR, 0644);
	given[2] = open("/output/folder", O_RDONLY | O_DIRECTORY);
	set_up(&message);
	message.rights.header.cmsg_level = SOL_SOCKET;
	message.rights.header.cmsg_type = SCM_RIGHTS;
	message.rights.header.cmsg_len = CMSG_LEN(sizeof(given));
	memcpy(CMSG_DATA(&message.rights.header), given, sizeof(given));
	return tell(sendmsg(end, &message.header, 0));
}

static void
try_upwards(const char *what, int from)
{
	char path[512] = "", attempt[64];
	long found = -1;

	for (int i = 0; i < 32 && found < 0; i++) {
		snprintf(path + strlen(path), sizeof(path) - strlen(path), "../");
		snprintf(path + strlen(path), sizeof(path) - strlen(path), "secret");
		found = openat(from, path, O_RDONLY);
		path[strlen(path) - strlen("secret")] = 0;
	}
	snprintf(attempt, sizeof(attempt), "above %s", what);
	tell_of(attempt, found);
}

static int
take(const char *name)
{
	static struct message message;
	int taken[3], end = at_socket(name, bind);

	listen(end, 1);
	printf("listening: ok\n");
	fflush(stdout);
	if (recvmsg(accept(end, NULL, NULL), set_up(&message), 0) < 0)
		return tell(-1);
	memcpy(taken, CMSG_DATA(&message.rights.header), sizeof(taken));
	tell_of("taken", 0);
	wait_for_end();
	try_upwards("the output", taken[0]);
	try_upwards("a folder", taken[2]);
	tell_of("new file", openat(taken[0], "late", O_CREAT | O_WRONLY, 0666));
	tell_of("removal", unlinkat(taken[0], "file", 0));
	tell_of("mode", fchmod(taken[1], 0777));
	return 0;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "init") == 0) {
		try_init();
	} else if (strcmp(what, "peers") == 0) {
		try_peers();
	} else if (strcmp(what, "user") == 0) {
		tell_of("priority", setpriority(PRIO_USER, getuid(), 19));
		tell_of("ioprio", syscall(SYS_ioprio_set, kIoprioUser, getuid(), kIoprioIdle));
		wait_for_end();
	} else if (argc > 2) {
		return strcmp(what, "give") == 0 ? give(argv[2]) : take(argv[2]);
	}
	return 0;
}
