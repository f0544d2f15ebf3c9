/*
 * A process that is in the way when a session is closed. Prints "held" once it is, and ends when its stdin does. What it
 * holds is named in fstat(1)'s words; `pass` runs inside, and gives a socket of its own to a `receive` outside.
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef PTRACE_SEIZE
#define TRACE PTRACE_SEIZE
#else
#define TRACE PT_ATTACH
#endif

static const size_t size = 4096;

static int
map(const char *file)
{
	int fd = open(file, O_RDWR);

	if (fd < 0 || mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED)
		return -1;
	return close(fd);
}

static int
share_memory(const char *name)
{
	int fd = shm_open(name, O_RDWR | O_CREAT, 0600);

	return fd < 0 ? -1 : ftruncate(fd, (off_t)size);
}

static int
unix_socket(const char *path, int is_bound)
{
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	int result = is_bound ? bind(fd, (struct sockaddr *)&address, sizeof(address))
	    : connect(fd, (struct sockaddr *)&address, sizeof(address));
	return result < 0 ? -1 : fd;
}

/* One descriptor and the byte it needs to travel with (unix(4), SCM_RIGHTS). */
static int
carry(int through, int passed, int is_sent)
{
	union {
		struct cmsghdr head;
		char space[64];
	} control;
	char byte = 'x';
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message;

	memset(&control, 0, sizeof(control));
	memset(&message, 0, sizeof(message));
	message.msg_iov = &data;
	message.msg_iovlen = 1;
	message.msg_control = control.space;
	message.msg_controllen = is_sent ? CMSG_SPACE(sizeof(int)) : sizeof(control.space);
	if (!is_sent)
		return recvmsg(through, &message, 0) == 1 && CMSG_FIRSTHDR(&message) != NULL ? 0 : -1;
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &passed, sizeof(int));
	return sendmsg(through, &message, 0) == 1 ? 0 : -1;
}

static int
pass(const char *path)
{
	int listening = unix_socket(path, 1);

	if (listening < 0 || listen(listening, 1) < 0)
		return -1;
	int through = accept(listening, NULL, NULL);
	return through < 0 ? -1 : carry(through, socket(AF_UNIX, SOCK_STREAM, 0), 1);
}

static int
receive(const char *path)
{
	int through = unix_socket(path, 0);

	return through < 0 || carry(through, -1, 0) < 0 ? -1 : close(through);
}

static int
hold(const char *kind, const char *what)
{
	if (strcmp(kind, "cwd") == 0)
		return chdir(what);
	if (strcmp(kind, "root") == 0)
		return chroot(what);
	if (strcmp(kind, "open-file") == 0)
		return open(what, O_RDONLY);
	if (strcmp(kind, "mapping") == 0)
		return map(what);
	if (strcmp(kind, "socket") == 0)
		return unix_socket(what, 1);
	if (strcmp(kind, "tracer") == 0)
		return (int)ptrace(TRACE, (pid_t)atoi(what), 0, 0);
	if (strcmp(kind, "receive") == 0)
		return receive(what);
	return strcmp(kind, "text") == 0 ? 0 : -1;
}

int
main(int argc, char **argv)
{
	char byte;

	if (argc == 3 && strcmp(argv[1], "pass") == 0)
		return pass(argv[2]) < 0;
	if (argc == 3 && strcmp(argv[1], "shared-memory") == 0)
		return share_memory(argv[2]) < 0;
	if (argc != 3 || hold(argv[1], argv[2]) < 0) {
		perror("holder");
		return 1;
	}
	printf("held\n");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}
