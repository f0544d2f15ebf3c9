/*
 * On FreeBSD, what a process could do by their numbers to those of others; one line an attempt. None that is not refused
 * is harmless, or it tells of a process that is not of this session.
 *
 *   others PID THREAD    THREAD is the number of a thread of that process (thr_self(2))
 */
#include <sys/param.h>
#include <sys/types.h>
#include <sys/cpuset.h>
#include <sys/event.h>
#include <sys/ktrace.h>
#include <sys/procctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/rtprio.h>
#include <sys/sysctl.h>
#include <sys/thr.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../answer.h"

/* sysctl(3) gives nothing of a process that it does not show, and that is no error everywhere. */
static void
ask(const char *attempt, int kind, pid_t pid)
{
	static char room[1 << 20];
	int mib[4] = { CTL_KERN, KERN_PROC, kind, (int)pid };
	size_t size = sizeof(room);
	long got = sysctl(mib, 4, room, &size, NULL, 0);

	if (got == 0 && size == 0) {
		errno = ESRCH;
		got = -1;
	}
	tell_of(attempt, got);
}

static void
ask_all(pid_t pid)
{
	static const struct {
		const char *attempt;
		int kind;
	} kinds[] = { { "its state", KERN_PROC_PID }, { "its arguments", KERN_PROC_ARGS }, { "its group", KERN_PROC_PGRP },
		{ "its session", KERN_PROC_SESSION }, { "its program", KERN_PROC_PATHNAME }, { "its kernel stack", KERN_PROC_KSTACK },
		{ "its memory", KERN_PROC_VMMAP }, { "its descriptors", KERN_PROC_FILEDESC }, { "its groups", KERN_PROC_GROUPS },
		{ "its environment", KERN_PROC_ENV }, { "its auxiliary vector", KERN_PROC_AUXV }, { "its system", KERN_PROC_SV_NAME },
		{ "its strings", KERN_PROC_PS_STRINGS }, { "its umask", KERN_PROC_UMASK }, { "its release", KERN_PROC_OSREL },
		{ "its trampoline", KERN_PROC_SIGTRAMP }, { "its folder", KERN_PROC_CWD }, { "its number of files", KERN_PROC_NFDS },
		{ "its layout", KERN_PROC_VM_LAYOUT },
#ifdef KERN_PROC_RLIMIT_USAGE
		{ "its use", KERN_PROC_RLIMIT_USAGE },
#endif
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		ask(kinds[i].attempt, kinds[i].kind, pid);
}

static void
attempt_limit(pid_t pid)
{
	int mib[5] = { CTL_KERN, KERN_PROC, KERN_PROC_RLIMIT, (int)pid, RLIMIT_NOFILE };
	struct rlimit limit = { 64, 64 };
	size_t size = sizeof(limit);

	tell_of("its limits", sysctl(mib, 5, &limit, &size, NULL, 0));
	limit.rlim_cur = 64;
	tell_of("a limit for it", sysctl(mib, 5, NULL, NULL, &limit, sizeof(limit)));
}

static void
attempt_processors(pid_t pid, long thread)
{
	struct rtprio priority = { RTP_PRIO_IDLE, 31 };
	struct sched_param parameters = { 0 };
	cpuset_t some;
	cpusetid_t set = -1;

	tell_of("its priority", getpriority(PRIO_PROCESS, pid) < 0 && errno != 0 ? -1 : 0);
	tell_of("a lower priority", setpriority(PRIO_PROCESS, pid, 20));
	tell_of("a lower priority of its group", setpriority(PRIO_PGRP, pid, 20));
	tell_of("its class", rtprio(RTP_LOOKUP, pid, &priority));
	tell_of("the class of its thread", rtprio_thread(RTP_LOOKUP, (lwpid_t)thread, &priority));
	priority = (struct rtprio){ RTP_PRIO_NORMAL, 0 };
	tell_of("another class", rtprio(RTP_SET, pid, &priority));
	tell_of("its scheduler", sched_getscheduler(pid));
	tell_of("its parameters", sched_getparam(pid, &parameters));
	CPU_ZERO(&some);
	CPU_SET(0, &some);
	tell_of("its processors", cpuset_getaffinity(CPU_LEVEL_WHICH, CPU_WHICH_PID, pid, sizeof(some), &some));
	tell_of("one processor", cpuset_setaffinity(CPU_LEVEL_WHICH, CPU_WHICH_PID, pid, sizeof(some), &some));
	tell_of("one processor for its thread", cpuset_setaffinity(CPU_LEVEL_WHICH, CPU_WHICH_TID, thread, sizeof(some), &some));
	tell_of("its set", cpuset_getid(CPU_LEVEL_WHICH, CPU_WHICH_PID, pid, &set));
}

static void
attempt_watches(pid_t pid, const char *file)
{
	struct kevent wanted;
	int queue = kqueue(), status = PROC_TRACE_CTL_ENABLE;
	int made = open(file, O_CREAT | O_WRONLY, 0600);

	EV_SET(&wanted, pid, EVFILT_PROC, EV_ADD, NOTE_EXIT | NOTE_FORK | NOTE_EXEC, 0, NULL);
	tell_of("its events", kevent(queue, &wanted, 1, NULL, 0, NULL));
	tell_of("its trace", ktrace(file, KTROP_SET | KTRFLAG_DESCEND, KTRFAC_SYSCALL, pid));
	tell_of("its trace, off", ktrace(NULL, KTROP_CLEAR, KTRFAC_SYSCALL, pid));
	tell_of("whether it is traced", procctl(P_PID, pid, PROC_TRACE_STATUS, &status));
	tell_of("its layout at random", procctl(P_PID, pid, PROC_ASLR_STATUS, &status));
	tell_of("its protection", procctl(P_PID, pid, PROC_SPROTECT, &(int){ PPROT_CLEAR }));
	tell_of("its children", procctl(P_PID, pid, PROC_REAP_STATUS, &(struct procctl_reaper_status){ 0 }));
	tell_of("its end", waitpid(pid, NULL, WNOHANG));
	close(made);
	unlink(file);
}

/* The gentlest first. Signal 0 does nothing but ask. */
static void
attempt_signals(pid_t pid, long thread)
{
	tell_of("a signal", kill(pid, 0));
	tell_of("a signal to its group", kill(-pid, 0));
	tell_of("a queued signal", sigqueue(pid, 0, (union sigval){ .sival_int = 0 }));
	tell_of("a signal to its thread", thr_kill2(pid, thread, 0));
	tell_of("a signal to a thread", thr_kill(thread, 0));
	tell_of("its process group", getpgid(pid));
	tell_of("its process session", getsid(pid));
	tell_of("another group", setpgid(pid, pid));
	if (ptrace(PT_ATTACH, pid, NULL, 0) != 0) {
		tell_of("tracing", -1);
		return;
	}
	waitpid(pid, NULL, 0);
	tell_of("tracing", ptrace(PT_DETACH, pid, (caddr_t)1, 0));
}

int
main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	pid_t pid = (pid_t)atoi(argv[1]);
	long thread = atol(argv[2]);

	ask_all(pid);
	attempt_limit(pid);
	attempt_watches(pid, "/tmp/trace");
	attempt_signals(pid, thread);
	attempt_processors(pid, thread);
	return 0;
}
