/*
 * What a build does with a network, for tests that run inside a session. Prints one line an attempt.
 *
 * exchange PORT         listens on 127.0.0.1 and ::1, and sends itself a byte on each
 * listen PORT           listens on both, says so, and stays until its stdin ends
 * reach PORT [ADDRESS]  connects to both, and to that IPv4 address as well
 * abstract NAME         connects to a Unix socket that has no file (Linux)
 * interfaces            each address that there is
 * change                changes its network, and asks for sockets by which it would be seen whole
 */
#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#else
#include <sys/sockio.h>
#include <net/route.h>
#include <netinet/in_var.h>
#endif

#include "answer.h"

struct place {
	const char *name;
	int family;
	socklen_t size;
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} at;
};

static struct place
place_of(const char *name, int port)
{
	/* In network order by hand: small compilers lack the builtins behind htons(3). */
	const unsigned char bytes[] = { (unsigned char)(port >> 8), (unsigned char)port };
	struct place place;

	memset(&place, 0, sizeof(place));
	place.name = name;
	place.family = strchr(name, ':') != NULL ? AF_INET6 : AF_INET;
	place.at.any.sa_family = (sa_family_t)place.family;
	if (place.family == AF_INET) {
		place.size = sizeof(place.at.four);
		memcpy(&place.at.four.sin_port, bytes, sizeof(bytes));
		inet_pton(AF_INET, name, &place.at.four.sin_addr);
	} else {
		place.size = sizeof(place.at.six);
		memcpy(&place.at.six.sin6_port, bytes, sizeof(bytes));
		inet_pton(AF_INET6, name, &place.at.six.sin6_addr);
	}
	return place;
}

static int
listening_at(struct place place)
{
	const int on = 1;
	int fd = socket(place.family, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return bind(fd, &place.at.any, place.size) == 0 && listen(fd, 8) == 0 ? fd : -1;
}

/* Not for long: what is sent to nowhere may have no answer. */
static int
connected_to(struct place place)
{
	const struct timeval bound = { 3, 0 };
	int fd = socket(place.family, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof(bound));
	return fd >= 0 && connect(fd, &place.at.any, place.size) == 0 ? fd : -1;
}

static int
exchanged(struct place place)
{
	char byte = 'x';
	int listener = listening_at(place);
	int client = listener < 0 ? -1 : connected_to(place);
	int server = client < 0 ? -1 : accept(listener, NULL, NULL);

	if (server < 0 || write(client, &byte, 1) != 1 || read(server, &byte, 1) != 1)
		return -1;
	/* Who is the first to close keeps the connection for a while (tcp(4), TIME_WAIT). */
	close(client);
	close(server);
	return close(listener);
}

static int
abstract(const char *name)
{
	struct sockaddr_un at;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memset(&at, 0, sizeof(at));
	at.sun_family = AF_UNIX;
	strncpy(at.sun_path + 1, name, sizeof(at.sun_path) - 2);
	/* Some programs take all the room for its name, zeros and all (unix(7)). */
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return tell(0);
	return tell(connect(fd, (struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name))));
}

static int
tell_interfaces(void)
{
	struct ifaddrs *first;

	if (getifaddrs(&first) != 0)
		return tell(-1);
	for (struct ifaddrs *one = first; one != NULL; one = one->ifa_next) {
		char text[INET6_ADDRSTRLEN];
		if (one->ifa_addr == NULL || (one->ifa_addr->sa_family != AF_INET && one->ifa_addr->sa_family != AF_INET6))
			continue;
		const void *address = one->ifa_addr->sa_family == AF_INET ? (const void *)&((struct sockaddr_in *)one->ifa_addr)->sin_addr
									  : (const void *)&((struct sockaddr_in6 *)one->ifa_addr)->sin6_addr;
		printf("%s %s\n", one->ifa_name, inet_ntop(one->ifa_addr->sa_family, address, text, sizeof(text)));
	}
	return 0;
}

static void
change_interface(const char *name)
{
	struct ifreq request;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	memset(&request, 0, sizeof(request));
	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	request.ifr_flags = 0;
	tell_of("down", ioctl(fd, SIOCSIFFLAGS, &request));
	struct place address = place_of("10.9.8.7", 0);
#ifdef __linux__
	memcpy(&request.ifr_addr, &address.at.any, sizeof(request.ifr_addr));
	tell_of("address", ioctl(fd, SIOCSIFADDR, &request));
#else
	struct in_aliasreq alias;
	memset(&alias, 0, sizeof(alias));
	strncpy(alias.ifra_name, name, sizeof(alias.ifra_name) - 1);
	address.at.four.sin_len = sizeof(address.at.four);
	alias.ifra_addr = address.at.four;
	tell_of("address", ioctl(fd, SIOCAIFADDR, &alias));
#endif
}

/* A default route: by what answers, as that is where the kernel says no. */
static void
change_routes(void)
{
#ifdef __linux__
	struct {
		struct nlmsghdr header;
		struct rtmsg route;
	} request;
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[256];
	} answer;
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	memset(&request, 0, sizeof(request));
	request.header.nlmsg_len = sizeof(request);
	request.header.nlmsg_type = RTM_NEWROUTE;
	request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK;
	request.route.rtm_family = AF_INET;
	request.route.rtm_table = RT_TABLE_MAIN;
	request.route.rtm_type = RTN_UNICAST;
	if (fd < 0 || send(fd, &request, sizeof(request), 0) < 0 || recv(fd, &answer, sizeof(answer), 0) < 0) {
		tell_of("route", -1);
		return;
	}
	errno = -answer.error.error;
	tell_of("route", answer.error.error == 0 ? 0 : -1);
#else
	struct {
		struct rt_msghdr header;
		struct sockaddr_in destination;
		struct sockaddr_in gateway;
	} request;
	int fd = socket(AF_ROUTE, SOCK_RAW, 0);

	memset(&request, 0, sizeof(request));
	request.header.rtm_msglen = sizeof(request);
	request.header.rtm_version = RTM_VERSION;
	request.header.rtm_type = RTM_ADD;
	request.header.rtm_flags = RTF_UP | RTF_GATEWAY | RTF_STATIC;
	request.header.rtm_addrs = RTA_DST | RTA_GATEWAY;
	request.destination.sin_len = sizeof(request.destination);
	request.destination.sin_family = AF_INET;
	request.gateway = place_of("127.0.0.1", 0).at.four;
	request.gateway.sin_len = sizeof(request.gateway);
	tell_of("route", fd < 0 ? -1 : write(fd, &request, sizeof(request)));
#endif
}

static int
change(const char *name)
{
	change_interface(name);
	change_routes();
	tell_of("raw", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
#ifdef __linux__
	tell_of("packet", socket(AF_PACKET, SOCK_RAW, 0));
	tell_of("packet datagrams", socket(AF_PACKET, SOCK_DGRAM, 0));
#endif
	return 0;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	const char *argument = argc > 2 ? argv[2] : "0";
	const int port = atoi(argument);
	const char *own[] = { "127.0.0.1", "::1" };

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (strcmp(what, "interfaces") == 0)
		return tell_interfaces();
	if (strcmp(what, "abstract") == 0)
		return abstract(argument);
	if (strcmp(what, "change") == 0)
		return change(argument);
	for (int i = 0; i < 2; i++) {
		struct place place = place_of(own[i], port);
		/* Not `:`, which ends the name of an attempt. */
		const char *name = i == 0 ? "inet" : "inet6";
		if (strcmp(what, "exchange") == 0)
			tell_of(name, exchanged(place));
		else if (strcmp(what, "listen") == 0)
			tell_of(name, listening_at(place));
		else if (strcmp(what, "reach") == 0)
			tell_of(name, connected_to(place));
		else
			return 2;
	}
	if (strcmp(what, "reach") == 0 && argc > 3)
		tell_of("outside", connected_to(place_of(argv[3], port)));
	if (strcmp(what, "listen") == 0) {
		char byte;
		printf("ready\n");
		while (read(0, &byte, 1) > 0)
			;
	}
	return 0;
}
