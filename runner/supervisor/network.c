/* By rtnetlink(7): a bridge, pairs of virtual cables, addresses. */
#include "runner/supervisor/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOW_PORTS "/proc/sys/net/ipv4/ip_unprivileged_port_start"
#define OWN_NAMESPACE "/proc/self/ns/net"
#define LOOPBACK "lo"
#define BRIDGE "services"
#define INSIDE "eth0" /* a service's end of its cable */
#define UPLINK "tap0"
#define UPLINK_NETWORK "--cidr=172.31.255.0/24" /* that of the addresses in network.h */
#define MTU 65520 /* of all its devices; slirp4netns is slow with less */
#define UPLINK_WAIT_MS 5000

/* ---- messages to the kernel ------------------------------------------------ */

struct request {
	struct nlmsghdr head;
	char space[1024];
};

static void *
tail(struct request *r)
{
	return (char *)r + NLMSG_ALIGN(r->head.nlmsg_len);
}

static void
begin(struct request *r, uint16_t type, uint16_t flags, const void *body, size_t len)
{
	*r = (struct request){ .head = { .nlmsg_len = NLMSG_HDRLEN,
				   .nlmsg_type = type,
				   .nlmsg_flags =
				       (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags) } };
	memcpy(tail(r), body, len);
	r->head.nlmsg_len = (uint32_t)NLMSG_LENGTH(len);
}

static struct rtattr *
add(struct request *r, uint16_t type, const void *data, size_t len)
{
	struct rtattr *a = tail(r);

	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	if (len > 0)
		memcpy(RTA_DATA(a), data, len);
	r->head.nlmsg_len =
	    (uint32_t)(NLMSG_ALIGN(r->head.nlmsg_len) + RTA_ALIGN(a->rta_len));
	return a;
}

static void
add_string(struct request *r, uint16_t type, const char *text)
{
	add(r, type, text, strlen(text) + 1);
}

/* What was added since lies in the attribute. */
static void
end(struct request *r, struct rtattr *a)
{
	a->rta_len = (uint16_t)((char *)tail(r) - (char *)a);
}

static int
send_request(struct request *r, const char *what, struct error *err)
{
	cleanup_close int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char rest[1024];
	} answer;

	if (fd < 0 || send(fd, r, r->head.nlmsg_len, 0) < 0 ||
	    recv(fd, &answer, sizeof(answer), 0) < (ssize_t)NLMSG_LENGTH(sizeof(int)))
		return error_errno(err, "cannot %s", what);
	if (answer.head.nlmsg_type != NLMSG_ERROR || answer.error.error == 0)
		return 0;
	errno = -answer.error.error;
	return error_errno(err, "cannot %s", what);
}

/* ---- links, addresses, routes ---------------------------------------------- */

static int
set_up(const char *name, unsigned master, struct error *err)
{
	const uint32_t mtu = MTU;
	struct ifinfomsg body = { .ifi_family = AF_UNSPEC,
		.ifi_index = (int)if_nametoindex(name),
		.ifi_flags = IFF_UP,
		.ifi_change = IFF_UP };
	struct request r;

	begin(&r, RTM_NEWLINK, 0, &body, sizeof(body));
	if (!str_eq(name, LOOPBACK))
		add(&r, IFLA_MTU, &mtu, sizeof(mtu));
	if (master != 0)
		add(&r, IFLA_MASTER, &master, sizeof(master));
	return send_request(&r, "bring up a network device", err);
}

static int
add_bridge(struct error *err)
{
	struct ifinfomsg body = { .ifi_family = AF_UNSPEC };
	struct request r;
	struct rtattr *info;

	begin(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
	add_string(&r, IFLA_IFNAME, BRIDGE);
	info = add(&r, IFLA_LINKINFO, NULL, 0);
	add_string(&r, IFLA_INFO_KIND, "bridge");
	end(&r, info);
	return send_request(&r, "make a bridge for the job's services", err);
}

/* One end here, named name, the other in the namespace behind fd. */
static int
add_cable(const char *name, int fd, struct error *err)
{
	struct ifinfomsg body = { .ifi_family = AF_UNSPEC };
	struct request r;
	struct rtattr *info, *data, *peer;

	begin(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
	add_string(&r, IFLA_IFNAME, name);
	info = add(&r, IFLA_LINKINFO, NULL, 0);
	add_string(&r, IFLA_INFO_KIND, "veth");
	data = add(&r, IFLA_INFO_DATA, NULL, 0);
	peer = add(&r, VETH_INFO_PEER, &body, sizeof(body));
	add_string(&r, IFLA_IFNAME, INSIDE);
	add(&r, IFLA_NET_NS_FD, &fd, sizeof(fd));
	end(&r, peer);
	end(&r, data);
	end(&r, info);
	return send_request(&r, "connect a service to the job's network", err);
}

static int
add_address(const char *name, const char *address, struct error *err)
{
	struct ifaddrmsg body = { .ifa_family = AF_INET,
		.ifa_prefixlen = NETWORK_PREFIX,
		.ifa_index = if_nametoindex(name) };
	struct in_addr bytes;
	struct request r;

	if (inet_pton(AF_INET, address, &bytes) != 1)
		return error_set(err, ERR_INVALID, "%s is no address", address);
	begin(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
	add(&r, IFA_LOCAL, &bytes, sizeof(bytes));
	add(&r, IFA_ADDRESS, &bytes, sizeof(bytes));
	return send_request(&r, "give an address to a network device", err);
}

/* For whatever is elsewhere, from the namespace that is entered. */
static int
add_default_route(struct error *err)
{
	struct rtmsg body = { .rtm_family = AF_INET,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST };
	struct in_addr gateway;
	struct request r;

	if (inet_pton(AF_INET, NETWORK_GATEWAY, &gateway) != 1)
		return error_set(err, ERR_INVALID, "%s is no address", NETWORK_GATEWAY);
	begin(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
	add(&r, RTA_GATEWAY, &gateway, sizeof(gateway));
	return send_request(&r, "add a route out of the job's network", err);
}

/* ---- namespaces ------------------------------------------------------------ */

/*
 * Servers in there may listen at low ports whoever they are, as in Docker's containers: a
 * user namespace of theirs does not own this network.
 */
static void
open_low_ports(void)
{
	cleanup_close int fd = open(LOW_PORTS, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "0", 1) < 0)
		return; /* they say so themselves, where they cannot */
}

/* A new network, entered, with its loopback up; a descriptor of it. */
static int
enter_new(struct error *err)
{
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		return error_errno(err, "cannot have a network namespace");
	fd = open(OWN_NAMESPACE, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "cannot open a network namespace");
	open_low_ports();
	if (set_up(LOOPBACK, 0, err) < 0) {
		close(fd);
		return err->code;
	}
	return fd;
}

int
network_go(int fd, struct error *err)
{
	return setns(fd, CLONE_NEWNET) < 0
	    ? error_errno(err, "cannot enter a network namespace")
	    : 0;
}

static int
add_service(const struct cage_service *service, struct network *n, struct error *err)
{
	int fd = enter_new(err);
	char name[IFNAMSIZ];

	if (fd < 0)
		return fd;
	n->services[n->count++] = fd;
	(void)snprintf(
	    name, sizeof(name), "service%u", (unsigned)((n->count - 1) & 0xff));
	if (network_go(n->home, err) < 0 || add_cable(name, fd, err) < 0 ||
	    set_up(name, if_nametoindex(BRIDGE), err) < 0 || network_go(fd, err) < 0 ||
	    add_address(INSIDE, service->address, err) < 0 || set_up(INSIDE, 0, err) < 0)
		return err->code;
	return network_go(n->home, err);
}

int
network_enter(const struct cage *cage, struct network *n, struct error *err)
{
	n->home = enter_new(err);
	n->count = 0;
	if (n->home < 0)
		return n->home;
	if (add_bridge(err) < 0 || add_address(BRIDGE, NETWORK_JOB_ADDRESS, err) < 0 ||
	    set_up(BRIDGE, 0, err) < 0)
		return err->code;
	for (size_t i = 0; i < cage->service_count; i++)
		if (add_service(&cage->services[i], n, err) < 0)
			return error_wrap(err, "service %s", cage->services[i].name);
	return 0;
}

void
network_close(struct network *n)
{
	cleanup_close_fd(&n->home);
	n->home = -1;
	while (n->count > 0)
		close(n->services[--n->count]);
}

/* ---- the way out ----------------------------------------------------------- */

/* In the child: wait until the parent is where it is going, then follow it there. */
static NORETURN void
become_uplink(const char *program, bool userns, int go, int ready, int said)
{
	char parent[24], users[64], fd[24], until[24], mtu[24], byte;
	const char *const argv[] = { program, UPLINK_NETWORK, mtu,
		"--disable-host-loopback", "--ready-fd", fd, "--exit-fd", until, parent,
		UPLINK, NULL };
	const char *with_users[ARRAY_LEN(argv) + 2] = { NULL };
	size_t n = 0;
	sigset_t none;

	(void)snprintf(parent, sizeof(parent), "%ld", (long)getppid());
	(void)snprintf(users, sizeof(users), "--userns-path=/proc/%s/ns/user", parent);
	(void)snprintf(fd, sizeof(fd), "%d", ready);
	(void)snprintf(until, sizeof(until), "%d", go);
	(void)snprintf(mtu, sizeof(mtu), "--mtu=%d", MTU);
	if (read(go, &byte, 1) != 1)
		_exit(1);
	(void)fcntl(ready, F_SETFD, 0);
	(void)fcntl(go, F_SETFD, 0); /* it ends when the other end does */
	with_users[n++] = argv[0];
	if (userns)
		with_users[n++] = users;
	for (size_t i = 1; argv[i] != NULL; i++)
		with_users[n++] = argv[i];
	for (int fd_no = STDIN_FILENO; fd_no <= STDOUT_FILENO; fd_no++) {
		int null = open("/dev/null", O_RDWR);

		if (null >= 0 && dup2(null, fd_no) < 0)
			_exit(1);
	}
	if (dup2(said, STDERR_FILENO) < 0)
		_exit(1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	execv(program, (char *const *)(uintptr_t)with_users);
	_exit(127);
}

int
network_uplink_prepare(const char *program, bool userns, struct network_uplink *u)
{
	int go[2] = { -1, -1 }, ready[2] = { -1, -1 }, said[2] = { -1, -1 };

	u->pid = -1;
	if (pipe2(go, O_CLOEXEC) == 0 && pipe2(ready, O_CLOEXEC) == 0 &&
	    pipe2(said, O_CLOEXEC | O_NONBLOCK) == 0)
		u->pid = fork();
	if (u->pid == 0) {
		close(go[1]);
		become_uplink(program, userns, go[0], ready[1], said[1]);
	}
	cleanup_close_fd(&go[0]);
	cleanup_close_fd(&ready[1]);
	cleanup_close_fd(&said[1]);
	u->go = go[1];
	u->ready = ready[0];
	u->said = said[0];
	return u->pid < 0 ? -1 : 0;
}

/* Its own words, in one line. */
static int
fail_uplink(const struct network_uplink *u, struct error *err)
{
	char text[512], said[ERROR_MAX] = "it does not start";
	ssize_t len = read(u->said, text, sizeof(text) - 1);
	const char *between = ": ";
	char *at = text;

	text[len > 0 ? len : 0] = '\0';
	for (const char *line; (line = strsep(&at, "\n")) != NULL;) {
		size_t n = strlen(said);

		if (*line == '\0')
			continue;
		(void)snprintf(said + n, sizeof(said) - n, "%s%s", between, line);
		between = "; ";
	}
	return error_set(err, ERR_ENVIRONMENT, "%s", said);
}

/* A port of the bridge, so that the services are where the job is. */
static int
connect_all(const struct network *n, struct error *err)
{
	if (set_up(UPLINK, if_nametoindex(BRIDGE), err) < 0 || add_default_route(err) < 0)
		return err->code;
	for (size_t i = 0; i < n->count; i++)
		if (network_go(n->services[i], err) < 0 || add_default_route(err) < 0)
			return err->code;
	return network_go(n->home, err);
}

int
network_uplink_go(struct network_uplink *u, const struct network *n, struct error *err)
{
	struct pollfd fd = { .fd = u->ready, .events = POLLIN };
	char byte;
	bool works = write(u->go, "g", 1) == 1 && poll(&fd, 1, UPLINK_WAIT_MS) == 1 &&
	    read(u->ready, &byte, 1) == 1 && byte == '1';

	close(take_fd(&u->ready));
	return works ? connect_all(n, err) : fail_uplink(u, err);
}

void
network_uplink_end(struct network_uplink *u)
{
	cleanup_close_fd(&u->go);
	cleanup_close_fd(&u->ready);
	cleanup_close_fd(&u->said);
	u->go = u->ready = u->said = -1;
	if (u->pid > 0)
		kill(u->pid, SIGTERM);
}
