/*
 * beyond    what a build could try against the kernel itself, its devices, its other jails and its processors; one line an
 *           attempt. Each that is refused says with what, and none that is not refused is harmless.
 * beyond daemon    leaves a process behind that is to outlive whoever has a descriptor of it, and says its number
 */
#define _GNU_SOURCE
#include <sys/param.h>
#include <sys/types.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/conf.h>
#include <sys/cpuset.h>
#include <sys/disk.h>
#include <sys/event.h>
#include <sys/ioctl.h>
#include <sys/jail.h>
#include <sys/kerneldump.h>
#include <sys/mman.h>
#include <sys/procctl.h>
#include <sys/procdesc.h>
#include <sys/queue.h>
#include <sys/rctl.h>
#include <sys/rtprio.h>
#include <sys/sockio.h>
#include <sys/sysctl.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/ucred.h>
#include <sys/uio.h>
#include <fs/devfs/devfs.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <ufs/ufs/quota.h>

#include <fcntl.h>
#include <kenv.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../answer.h"

/* devfs(8): rules by which its own /dev would show the host's devices. */
static void
attempt_devices(void)
{
	int dev = open("/dev", O_RDONLY | O_DIRECTORY);
	int null = open("/dev/null", O_RDWR);
	struct devfs_rule rule;
	devfs_rsnum ruleset = 0;
	struct diocskerneldump_arg dump;

	memset(&rule, 0, sizeof(rule));
	rule.dr_magic = DEVFS_MAGIC;
	rule.dr_iacts = DRA_BACTS;
	rule.dr_bacts = DRB_UNHIDE;
	tell_of("apply a rule", ioctl(dev, DEVFSIO_RAPPLY, &rule));
	tell_of("apply a ruleset", ioctl(dev, DEVFSIO_SAPPLY, &ruleset));
	tell_of("another ruleset", ioctl(dev, DEVFSIO_SUSE, &ruleset));
	rule.dr_id = mkrid(35001, 100);
	tell_of("add a rule", ioctl(dev, DEVFSIO_RADD, &rule));
	tell_of("delete a rule", ioctl(dev, DEVFSIO_RDEL, &rule.dr_id));
	/* null(4) knows this one, so that kernel dumps can be turned off. */
	memset(&dump, 0, sizeof(dump));
	dump.kda_index = KDA_REMOVE_ALL;
	tell_of("kernel dumps", ioctl(null, DIOCSKERNELDUMP, &dump));
	tell_of("a link in /dev", symlink("/tmp", "/dev/link"));
	tell_of("a folder in /dev", mkdir("/dev/folder", 0700));
	tell_of("a file in /dev", open("/dev/file", O_CREAT | O_WRONLY, 0600));
	tell_of("a device in /dev", mknod("/dev/mem", S_IFCHR | 0600, makedev(0, 10)));
}

static void
attempt_processors(void)
{
	struct rtprio real_time = { RTP_PRIO_REALTIME, 0 };
	struct sched_param fifo = { .sched_priority = 1 };
	cpuset_t all;
	cpusetid_t set = -1;
	int protect = PPROT_SET;

	CPU_ZERO(&all);
	CPU_SET(0, &all);
	tell_of("realtime priority", rtprio(RTP_SET, 0, &real_time));
	tell_of("realtime scheduler", sched_setscheduler(0, SCHED_FIFO, &fifo));
	tell_of("a higher priority", setpriority(PRIO_PROCESS, 0, -20));
	tell_of("an interrupt's processor", cpuset_setaffinity(CPU_LEVEL_WHICH, CPU_WHICH_IRQ, 1, sizeof(all), &all));
	tell_of("the host's processors", cpuset_setaffinity(CPU_LEVEL_WHICH, CPU_WHICH_CPUSET, 1, sizeof(all), &all));
	tell_of("another jail's processors", cpuset_setaffinity(CPU_LEVEL_WHICH, CPU_WHICH_JAIL, 1, sizeof(all), &all));
	tell_of("init's processors", cpuset_getid(CPU_LEVEL_CPUSET, CPU_WHICH_PID, 1, &set));
	tell_of("is never the one to be killed", procctl(P_PID, getpid(), PROC_SPROTECT, &protect));
	tell_of("memory that is never taken", madvise(NULL, 0, MADV_PROTECT));
}

static void
attempt_kernel(void)
{
	char room[512];
	size_t size = sizeof(room);
	struct timespec now = { 1, 0 };
	struct timeval slew = { 1, 0 };
	struct timex timex = { .modes = MOD_FREQUENCY };
	fhandle_t handle;

	tell_of("a variable of the boot", kenv(KENV_SET, "buildjail.planted", room, 0));
	tell_of("message buffer", sysctlbyname("kern.msgbuf", room, &size, NULL, 0));
	tell_of("the clock", clock_settime(CLOCK_REALTIME, &now));
	tell_of("slower clock", adjtime(&slew, NULL));
	tell_of("clock's frequency", ntp_adjtime(&timex));
	tell_of("accounting", acct("/tmp/accounting"));
	tell_of("swap", swapoff("/dev/null", 0));
	tell_of("usage by rctl", rctl_get_racct("user:0:", 8, room, sizeof(room)));
	tell_of("a rule of rctl", rctl_add_rule("user:0:maxproc:deny=1", 22, NULL, 0));
	tell_of("a handle of a file", getfh("/inputs/probe/beyond", &handle));
	memset(&handle, 0, sizeof(handle));
	tell_of("a file by its handle", fhopen(&handle, O_RDONLY));
	tell_of("quotas", quotactl("/", QCMD(Q_GETQUOTA, USRQUOTA), 0, room));
}

/* The calls for interfaces go by any socket, and a jail without a network has those of unix(4) and route(4). */
static void
attempt_network(void)
{
	int local = socket(AF_UNIX, SOCK_DGRAM, 0);
	int route = socket(AF_ROUTE, SOCK_RAW, 0);
	struct ifreq request;
	struct {
		struct rt_msghdr head;
		struct sockaddr_in destination;
	} message;

	memset(&request, 0, sizeof(request));
	snprintf(request.ifr_name, sizeof(request.ifr_name), "lo9");
	tell_of("a new interface", ioctl(local, SIOCIFCREATE2, &request));
	snprintf(request.ifr_name, sizeof(request.ifr_name), "lo0");
	tell_of("an interface that is down", ioctl(local, SIOCSIFFLAGS, &request));
	request.ifr_mtu = 600;
	tell_of("an interface's packets", ioctl(local, SIOCSIFMTU, &request));
	tell_of("an interface's end", ioctl(local, SIOCIFDESTROY, &request));
	memset(&message, 0, sizeof(message));
	message.head.rtm_msglen = sizeof(message);
	message.head.rtm_version = RTM_VERSION;
	message.head.rtm_type = RTM_DELETE;
	message.head.rtm_addrs = RTA_DST;
	message.destination.sin_len = sizeof(message.destination);
	message.destination.sin_family = AF_INET;
	tell_of("the default route", write(route, &message, sizeof(message)));
}

static struct iovec
named(const char *value)
{
	struct iovec vector = { (void *)(uintptr_t)value, strlen(value) + 1 };

	return vector;
}

/* Jails by descriptor, of 15.0: what may be had by one is had by its opener's rights. */
static void
attempt_jails(void)
{
#ifdef JAIL_GET_DESC
	for (int jid = 0; jid < 3; jid++) {
		int desc = -1;
		char attempt[64];
		struct iovec options[] = { named("jid"), { &jid, sizeof(jid) }, named("desc"), { &desc, sizeof(desc) } };

		snprintf(attempt, sizeof(attempt), "a descriptor of jail %d", jid);
		int got = jail_get(options, 4, JAIL_GET_DESC);
		/* 0 is what everybody is told of the own one: it is had, and may do nothing. */
		if (jid != 0 || got < 0 || desc < 0) {
			tell_of(attempt, got);
			continue;
		}
		tell_of("attaching by its own descriptor", jail_attach_jd(desc));
		tell_of("removing by its own descriptor", jail_remove_jd(desc));
		struct iovec more[] = { named("desc"), { &desc, sizeof(desc) }, named("allow.raw_sockets"), { NULL, 0 } };
		tell_of("changing by its own descriptor", jail_set(more, 4, JAIL_UPDATE | JAIL_USE_DESC));
	}
#endif
	int queue = kqueue(), watched = 0;
#ifdef EVFILT_JAIL
	/* 0 is the own jail, as above. */
	for (int jid = 1; jid < 20000; jid++) {
		struct kevent wanted;

		EV_SET(&wanted, jid, EVFILT_JAIL, EV_ADD, NOTE_JAIL_ATTACH | NOTE_JAIL_REMOVE, 0, NULL);
		watched += kevent(queue, &wanted, 1, NULL, 0, NULL) == 0;
	}
#endif
	tell_of("events of other jails", watched > 0 ? 0 : -1);
	struct iovec by_zero[] = { named("jid"), { &(int){ 0 }, sizeof(int) }, named("allow.mount"), { NULL, 0 } };
	tell_of("changing its own jail", jail_set(by_zero, 4, JAIL_UPDATE));
}

static void
attempt_to_become(uid_t uid)
{
#ifdef SETCRED_INITIALIZER
	struct setcred wanted = SETCRED_INITIALIZER;

	wanted.sc_uid = wanted.sc_ruid = wanted.sc_svuid = uid;
	tell_of("root by setcred", setcred(SETCREDF_UID | SETCREDF_RUID | SETCREDF_SVUID, &wanted, sizeof(wanted)));
#endif
	tell_of("root by setresuid", setresuid(uid, uid, uid));
}

/* pdfork(2), PD_DAEMON; init(8) does not become its parent either, as long as somebody has the descriptor. */
static void
leave_daemon(void)
{
	int descriptor = -1;
	pid_t child = pdfork(&descriptor, PD_DAEMON);

	if (child == 0) {
		setsid();
		for (int fd = 0; fd < 3; fd++)
			close(fd);
		for (;;)
			pause();
	}
	printf("%d\n", (int)child);
}

static void
attempt(void)
{
	attempt_devices();
	attempt_processors();
	attempt_kernel();
	attempt_network();
	attempt_jails();
	/* Last, as a jail that is more secure can do less. */
	sysctlbyname("kern.securelevel", NULL, NULL, &(int){ 1 }, sizeof(int));
	tell_of("lower security", sysctlbyname("kern.securelevel", NULL, NULL, &(int){ -1 }, sizeof(int)));
	if (geteuid() != 0)
		attempt_to_become(0);
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "daemon") == 0)
		leave_daemon();
	else
		attempt();
	return 0;
}
