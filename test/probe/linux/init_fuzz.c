/*
 * init_fuzz INIT SEED ROUNDS: executes init as pid 1 of namespaces of nobody's own, in an empty root, and sends it packets that no
 * host program sends. Prints how many it answered, how many ended it, and how often it ended otherwise than it should:
 * by a signal, or with a command begun before the root was sealed.
 */
#define _GNU_SOURCE
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../native/linux/init/messages.h"

enum { kNobody = 65534, kCalls = 12, kText = 512 };

struct packet {
	struct calls_message head;
	struct init_call calls[kCalls];
	char text[kText];
};

static uint64_t state;

/* xorshift64*: the same packets for the same seed, on every machine. */
static uint64_t
random_number(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dULL;
}

static uint64_t
below(uint64_t bound)
{
	return random_number() % bound;
}

static int
write_map(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	int failed = fd < 0 || write(fd, text, strlen(text)) < 0;

	if (fd >= 0)
		close(fd);
	return failed;
}

/* Pid 1, in an empty root that nothing of the host is in. */
static void
become_init(int image, int control)
{
	char *argv[] = {"init", NULL}, *none[] = {NULL};

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 || mount("tmpfs", "/tmp", "tmpfs", 0, "size=1m") != 0)
		_exit(90);
	if (chdir("/tmp") != 0 || mkdir("old", 0700) != 0 || syscall(SYS_pivot_root, ".", "old") != 0)
		_exit(91);
	if (umount2("/old", MNT_DETACH) != 0 || chdir("/") != 0)
		_exit(92);
	dup2(control, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fexecve(image, argv, none);
	_exit(93);
}

static pid_t
start(int image, int *control)
{
	int ends[2], status;
	pid_t outer, init = -1;
	int told[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0 || pipe(told) != 0)
		exit(80);
	outer = fork();
	if (outer == 0) {
		char map[64];

		if (setresgid(kNobody, kNobody, kNobody) != 0 || setresuid(kNobody, kNobody, kNobody) != 0)
			_exit(81);
		prctl(PR_SET_DUMPABLE, 1);
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) != 0)
			_exit(82);
		snprintf(map, sizeof(map), "0 %d 1", kNobody);
		if (write_map("/proc/self/setgroups", "deny") || write_map("/proc/self/uid_map", map) || write_map("/proc/self/gid_map", map))
			_exit(83);
		init = fork();
		if (init == 0)
			become_init(image, ends[1]);
		close(ends[1]);
		close(ends[0]);
		waitpid(init, &status, 0);
		if (write(told[1], &status, sizeof(status)) < 0)
			_exit(84);
		_exit(0);
	}
	close(ends[1]);
	close(told[1]);
	control[0] = ends[0];
	control[1] = told[0];
	return outer;
}

/* A command that is asked for before the root is sealed: init must end. */
static int
begins_a_command(int control)
{
	struct {
		struct launch_message head;
		char text[64];
	} packet = {.head = {.kind = kMessageLaunch, .number = 1, .candidate_count = 1, .argument_count = 1, .text_size = 64}};
	struct answer said;

	/* The candidate, the working directory and the argument, each with its NUL. */
	memcpy(packet.text, "/x\0/\0x", 7);
	return send(control, &packet, sizeof(packet), MSG_NOSIGNAL) > 0 && recv(control, &said, sizeof(said), 0) > 0;
}

static size_t
make_packet(struct packet *packet)
{
	unsigned count = (unsigned)below(kCalls + 1);
	size_t size;

	memset(packet, 0, sizeof(*packet));
	packet->head.kind = below(8) == 0 ? (unsigned)below(8) : kMessageCalls;
	packet->head.call_count = count;
	packet->head.text_size = kText;
	packet->head.first_slot = (unsigned)below(kMostSlots);
	packet->head.seals = below(16) == 0;
	packet->head.kept = (unsigned)below(8);
	packet->head.shown = below(8) == 0 ? (unsigned)below(16) : 0;
	packet->head.shown_count = below(8) == 0 ? (unsigned)below(300) : 0;
	for (unsigned i = 0; i < count; i++) {
		struct init_call *call = &packet->calls[i];

		call->name = (unsigned short)below(kCallCount);
		call->result = (unsigned short)below(16);
		call->skip = below(8) == 0;
		call->tolerated = below(2) == 0 ? ~0U : (unsigned)below(40);
		for (int a = 0; a < 6; a++) {
			call->kinds[a] = (unsigned char)below(5);
			call->arguments[a] = call->kinds[a] == kArgumentNumber && below(2) ? random_number() : below(256);
		}
		/* The kernel itself kills a process that has no processor time left, or no room for its stack (getrlimit(2)). */
		if (call->name == kCall_prlimit64) {
			call->kinds[1] = kArgumentNumber;
			call->arguments[1] = RLIMIT_NPROC + below(3);
		}
	}
	/* The text follows the calls at once. */
	for (char *text = (char *)&packet->calls[count], *end = text + kText - 1; text < end; text++)
		*text = "ab/.\0"[below(5)];
	size = sizeof(packet->head) + count * sizeof(packet->calls[0]) + kText;
	/* One of four is broken somewhere, or cut short. */
	if (below(4) == 0)
		((unsigned char *)packet)[below(size)] = (unsigned char)random_number();
	return below(16) == 0 ? below(size + 1) : size;
}

int
main(int argc, char **argv)
{
	unsigned long answered = 0, ended = 0, wrong = 0;
	int image, control[2], rounds;
	pid_t outer = -1;

	if (argc != 4)
		return 2;
	image = open(argv[1], O_RDONLY | O_CLOEXEC);
	state = strtoull(argv[2], NULL, 10) * 2 + 1;
	rounds = atoi(argv[3]);
	outer = start(image, control);
	wrong += begins_a_command(control[0]);
	close(control[0]);
	close(control[1]);
	waitpid(outer, NULL, 0);
	outer = -1;
	for (int round = 0; round < rounds; round++) {
		struct packet packet;
		struct calls_answer answer;
		size_t size;
		ssize_t got;
		struct pollfd watched;

		if (outer < 0)
			outer = start(image, control);
		size = make_packet(&packet);
		if (send(control[0], &packet, size, MSG_NOSIGNAL) >= 0 && size > 0) {
			watched = (struct pollfd){.fd = control[0], .events = POLLIN};
			got = poll(&watched, 1, 50) > 0 ? recv(control[0], &answer, sizeof(answer), 0) : 1;
			answered += got > 0;
			if (got > 0)
				continue;
		}
		/* It has ended, or takes a packet of no bytes for the end. */
		close(control[0]);
		{
			int status = -1;

			watched = (struct pollfd){.fd = control[1], .events = POLLIN};
			if (poll(&watched, 1, 10000) <= 0)
				kill(outer, SIGKILL);
			if (read(control[1], &status, sizeof(status)) != sizeof(status) || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
				fprintf(stderr, "round %d: status %x\n", round, status);
				wrong++;
			}
		}
		close(control[1]);
		waitpid(outer, NULL, 0);
		outer = -1;
		ended++;
	}
	if (outer >= 0) {
		close(control[0]);
		waitpid(outer, NULL, 0);
	}
	printf("{\"answered\":%lu,\"ended\":%lu,\"wrong\":%lu}\n", answered, ended, wrong);
	return 0;
}
