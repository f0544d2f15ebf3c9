/*
 * Memory and messages that belong to no process (System V and POSIX), by a name that another build can guess.
 *
 *   memory leave    makes one of each
 *   memory find     looks for each
 *   memory leave queue, memory find queue    the same of a POSIX message queue (FreeBSD)
 */
#include <sys/types.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#ifdef __FreeBSD__
#include <sys/param.h>
#include <sys/mqueue.h>
#include <sys/syscall.h>
#endif

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"

enum { kKey = 0x626a };

int
main(int argc, char **argv)
{
	int make = argc > 1 && strcmp(argv[1], "leave") == 0 ? IPC_CREAT : 0;

	/* A kernel that lacks one, or a jail that may not have it, ends who asks with SIGSYS (FreeBSD, kern.signosys). */
	signal(SIGSYS, SIG_IGN);
#ifdef __FreeBSD__
	/* By number: mq_open(3) is in a library of its own. */
	if (argc == 3) {
		tell_of("mq_open", syscall(SYS_kmq_open, "/buildjail-probe", O_RDWR | (make != 0 ? O_CREAT : 0), 0666, NULL));
		return 0;
	}
#endif
	tell_of("shmget", shmget(kKey, 4096, make | 0666));
	tell_of("semget", semget(kKey, 1, make | 0666));
	tell_of("msgget", msgget(kKey, make | 0666));
#ifdef SHM_LARGEPAGE_ALLOC_DEFAULT
	/* Of the smallest large pages; a kernel may have none. */
	if (make != 0) {
		int large = shm_create_largepage("/buildjail-probe-large", O_RDWR, 1, SHM_LARGEPAGE_ALLOC_DEFAULT, 0666);

		if (large >= 0)
			ftruncate(large, 2 << 20);
	}
#endif
	tell_of("shm_open", shm_open("/buildjail-probe", O_RDWR | (make != 0 ? O_CREAT : 0), 0666));
	return 0;
}
