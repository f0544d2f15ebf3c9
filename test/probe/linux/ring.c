/*
 * ring FOLDER    puts on a folder, and on a file that it makes there, what io_uring(7) can put there: its calls are not system calls.
 *                One line an attempt, and one before them of whether there is a ring.
 */
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "../answer.h"

/* By number, where headers may be older than the kernel. */
enum { kIoUringSetup = 425, kIoUringEnter = 426, kFsetxattr = 41, kSetxattr = 42 };

static int ring;
static struct io_uring_params about;
static char *queues;
static struct io_uring_sqe *entries;

/* Both queues are in one mapping (IORING_FEAT_SINGLE_MMAP), which ends with the array. */
static long
open_ring(void)
{
	ring = (int)syscall(kIoUringSetup, 1, &about);
	if (ring < 0)
		return -1;
	queues = mmap(NULL, about.sq_off.array + about.sq_entries * sizeof(unsigned), PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	entries = mmap(NULL, about.sq_entries * sizeof(*entries), PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	return queues == MAP_FAILED || entries == MAP_FAILED ? -1 : 0;
}

/* Has the ring make one call, and waits for its result. */
static long
make(const struct io_uring_sqe *call)
{
	unsigned *const tail = (unsigned *)(queues + about.sq_off.tail);
	unsigned *const head = (unsigned *)(queues + about.cq_off.head);
	const struct io_uring_cqe *ends = (const struct io_uring_cqe *)(queues + about.cq_off.cqes);
	int result;

	entries[0] = *call;
	((unsigned *)(queues + about.sq_off.array))[*tail & (about.sq_entries - 1)] = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(kIoUringEnter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		return -1;
	if (__atomic_load_n((unsigned *)(queues + about.cq_off.tail), __ATOMIC_ACQUIRE) == *head) {
		errno = ETIMEDOUT;
		return -1;
	}
	result = ends[*head & (about.cq_entries - 1)].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	if (result >= 0)
		return result;
	errno = -result;
	return -1;
}

static long
create(const char *path, mode_t mode)
{
	const struct io_uring_sqe call = {
	    .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (uintptr_t)path, .len = mode, .open_flags = O_CREAT | O_EXCL | O_RDWR};

	return make(&call);
}

/* By descriptor where there is no path. */
static long
attribute(int fd, const char *path, const char *name, const void *value, unsigned size)
{
	struct io_uring_sqe call = {.opcode = path == NULL ? kFsetxattr : kSetxattr,
	    .fd = fd,
	    .addr = (uintptr_t)name,
	    .off = (uintptr_t)value,
	    .len = size};

	/* addr3, which older headers do not name. */
	((uint64_t *)&call)[6] = (uintptr_t)path;
	return make(&call);
}

/* As posix_acl_xattr.h of the kernel has it: the group may write, within a mask. */
static const struct {
	unsigned version;
	struct {
		unsigned short tag, permissions;
		unsigned id;
	} entries[4];
} kList = {2, {{1, 7, ~0U}, {4, 7, ~0U}, {0x10, 7, ~0U}, {0x20, 5, ~0U}}};

int
main(int argc, char **argv)
{
	int file;

	if (argc != 2 || chdir(argv[1]) != 0)
		return 2;
	umask(022);
	tell_of("ring", open_ring());
	if (ring < 0)
		return 0;
	file = (int)create("ringed", 06755);
	tell_of("set-id", file);
	tell_of("attribute", attribute(-1, "ringed", "user.planted", "here", 4));
	tell_of("attribute by descriptor", attribute(file, NULL, "user.too", "here", 4));
	tell_of("list", attribute(-1, "ringed", "system.posix_acl_access", &kList, sizeof(kList)));
	tell_of("attribute of the folder", attribute(-1, ".", "user.planted", "here", 4));
	tell_of("default list of the folder", attribute(-1, ".", "system.posix_acl_default", &kList, sizeof(kList)));
	return 0;
}
