/* How the probes answer: one word for what came of an attempt. */
#ifndef BUILDJAIL_PROBE_ANSWER_H
#define BUILDJAIL_PROBE_ANSWER_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *
name_of(int err)
{
	switch (err) {
	case EPERM: return "EPERM";
	case EACCES: return "EACCES";
	case EOPNOTSUPP: return "EOPNOTSUPP";
	case EBUSY: return "EBUSY";
	case EINVAL: return "EINVAL";
	case EROFS: return "EROFS";
	case ENOENT: return "ENOENT";
#ifdef ENOKEY
	case ENOKEY: return "ENOKEY";
#endif
	case ENOSYS: return "ENOSYS";
	case ENOTTY: return "ENOTTY";
	case ENXIO: return "ENXIO";
	case ESRCH: return "ESRCH";
	case ECONNREFUSED: return "ECONNREFUSED";
	case ENETUNREACH: return "ENETUNREACH";
	case EAFNOSUPPORT: return "EAFNOSUPPORT";
	case EPROTONOSUPPORT: return "EPROTONOSUPPORT";
	default: return strerror(err);
	}
}

static inline int
tell(long result)
{
	printf("%s\n", result >= 0 ? "ok" : name_of(errno));
	return 0;
}

/* The same, of one attempt of several. */
static inline void
tell_of(const char *attempt, long result)
{
	printf("%s: %s\n", attempt, result >= 0 ? "ok" : name_of(errno));
}

#endif
