/* device PATH: makes a device node. */
#include <sys/types.h>
#include <sys/stat.h>

#include "answer.h"

int
main(int argc, char **argv)
{
	/* 1, 3: on Linux the harmless null(4); elsewhere whatever it is, it must not be there. */
	return argc == 2 ? tell(mknod(argv[1], S_IFCHR | 0666, (dev_t)0x103)) : 2;
}
