// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client of NBD that gives a device that is in use its next connection: it connects, tells the
 * kernel by netlink, waits until the server has gone, and as soon as one is there again connects
 * anew and tells that.  Meanwhile the kernel keeps what it was asked for, for PATIENCE seconds.
 *
 * usage: nbd-keep PORT EXPORT INDEX PATIENCE
 *
 * Prints "connected" for each connection. The protocol is that of doc/proto.md of nbd, the
 * attributes are those of <linux/nbd-netlink.h>.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <err.h>
#include <linux/genetlink.h>
#include <linux/nbd-netlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OPTION_MAGIC	   UINT64_C(0x49484156454f5054) /* IHAVEOPT */
#define OPTION_EXPORT_NAME 1
#define NO_ZEROES	   2
#define ANSWER_SECONDS	   5

struct export {
	uint64_t bytes;
	uint16_t flags;
};

static int read_all(int fd, void *data, size_t length)
{
	return recv(fd, data, length, MSG_WAITALL) == (ssize_t)length ? 0 : -1;
}

/* The fixed newstyle negotiation for one export. 0, or -1 where the server goes meanwhile. */
static int negotiate(int fd, const char *name, struct export *export)
{
	struct __attribute__((packed)) {
		uint64_t magic, option_magic;
		uint16_t flags;
	} hello;
	struct __attribute__((packed)) {
		uint32_t flags;
		uint64_t magic;
		uint32_t option, length;
	} ask = { htobe32(1 | NO_ZEROES), htobe64(OPTION_MAGIC), htobe32(OPTION_EXPORT_NAME),
		  htobe32(strlen(name)) };
	struct __attribute__((packed)) {
		uint64_t bytes;
		uint16_t flags;
	} answer;

	if (read_all(fd, &hello, sizeof(hello)))
		return -1;
	if (be64toh(hello.option_magic) != OPTION_MAGIC || !(be16toh(hello.flags) & NO_ZEROES))
		errx(1, "this server speaks another protocol");
	if (send(fd, &ask, sizeof(ask), MSG_NOSIGNAL) != sizeof(ask) ||
	    send(fd, name, strlen(name), MSG_NOSIGNAL) != (ssize_t)strlen(name) ||
	    read_all(fd, &answer, sizeof(answer)))
		return -1;
	export->bytes = be64toh(answer.bytes);
	export->flags = be16toh(answer.flags);
	return 0;
}

/* As soon as there is a server. */
static int connect_to(uint16_t port, const char *name, struct export *export)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };

	/* One that is ending may take a connection and never answer. */
	static const struct timeval soon = { .tv_sec = 1 }, never;

	for (;; usleep(100000)) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd < 0)
			err(1, "socket");
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
		if (!connect(fd, (struct sockaddr *)&to, sizeof(to)) &&
		    !negotiate(fd, name, export)) {
			setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &never, sizeof(never));
			return fd;
		}
		close(fd);
	}
}

/* A generic netlink message in the making. */
struct message {
	struct nlmsghdr nl;
	struct genlmsghdr genl;
	char attributes[512];
};

static void begin(struct message *m, uint16_t type, uint8_t command)
{
	memset(m, 0, sizeof(*m));
	m->nl.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	m->nl.nlmsg_type = type;
	m->nl.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	m->genl.cmd = command;
	m->genl.version = 1;
}

static struct nlattr *put(struct message *m, uint16_t type, const void *data, size_t length)
{
	struct nlattr *a = (struct nlattr *)((char *)m + NLMSG_ALIGN(m->nl.nlmsg_len));

	a->nla_type = type;
	a->nla_len = NLA_HDRLEN + length;
	if (length)
		memcpy((char *)a + NLA_HDRLEN, data, length);
	m->nl.nlmsg_len = (char *)a - (char *)m + NLA_ALIGN(a->nla_len);
	return a;
}

static void put_u64(struct message *m, uint16_t type, uint64_t value)
{
	put(m, type, &value, sizeof(value));
}

/* What was put since then is in @a. */
static void end_nest(struct message *m, struct nlattr *a)
{
	a->nla_len = (char *)m + m->nl.nlmsg_len - (char *)a;
}

/* Send it; the answer's errno. What comes before that is left in @m, if it is more. */
static int ask(int netlink, struct message *m)
{
	char got[4096] __attribute__((aligned(NLMSG_ALIGNTO)));

	if (send(netlink, m, m->nl.nlmsg_len, 0) < 0)
		err(1, "netlink");
	for (;;) {
		ssize_t length = recv(netlink, got, sizeof(got), 0);
		struct nlmsghdr *nl = (struct nlmsghdr *)got;

		if (length < 0)
			err(1, "netlink");
		for (; NLMSG_OK(nl, length); nl = NLMSG_NEXT(nl, length)) {
			if (nl->nlmsg_type == NLMSG_ERROR)
				return -((struct nlmsgerr *)NLMSG_DATA(nl))->error;
			memcpy(m, nl, nl->nlmsg_len < sizeof(*m) ? nl->nlmsg_len : sizeof(*m));
		}
	}
}

static uint16_t family_of(int netlink, const char *name)
{
	struct message m;
	char *at, *end;
	int error;

	begin(&m, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	put(&m, CTRL_ATTR_FAMILY_NAME, name, strlen(name) + 1);
	error = ask(netlink, &m);
	if (error)
		errx(1, "netlink family %s: %s", name, strerror(error));
	end = (char *)&m + (m.nl.nlmsg_len < sizeof(m) ? m.nl.nlmsg_len : sizeof(m));
	for (at = m.attributes; at + NLA_HDRLEN < end;) {
		struct nlattr *a = (struct nlattr *)at;

		if (a->nla_type == CTRL_ATTR_FAMILY_ID)
			return *(uint16_t *)(at + NLA_HDRLEN);
		at += NLA_ALIGN(a->nla_len);
	}
	errx(1, "netlink family %s has no number", name);
}

static void tell(int netlink, uint16_t family, uint8_t command, uint32_t index, int fd,
		 const struct export *export, uint64_t patience)
{
	uint32_t number = fd;
	struct nlattr *sockets, *item;
	struct message m;
	int error;

	begin(&m, family, command);
	put(&m, NBD_ATTR_INDEX, &index, sizeof(index));
	put_u64(&m, NBD_ATTR_SIZE_BYTES, export->bytes);
	put_u64(&m, NBD_ATTR_BLOCK_SIZE_BYTES, 4096);
	put_u64(&m, NBD_ATTR_SERVER_FLAGS, export->flags);
	put_u64(&m, NBD_ATTR_TIMEOUT, ANSWER_SECONDS);
	put_u64(&m, NBD_ATTR_DEAD_CONN_TIMEOUT, patience);
	sockets = put(&m, NBD_ATTR_SOCKETS | NLA_F_NESTED, NULL, 0);
	item = put(&m, NBD_SOCK_ITEM | NLA_F_NESTED, NULL, 0);
	put(&m, NBD_SOCK_FD, &number, sizeof(number));
	end_nest(&m, item);
	end_nest(&m, sockets);
	error = ask(netlink, &m);
	if (error)
		errx(1, "nbd%u: %s", index, strerror(error));
	puts("connected");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	uint8_t command = NBD_CMD_CONNECT;
	struct export export;
	uint16_t family;

	if (argc != 5)
		errx(2, "usage: nbd-keep PORT EXPORT INDEX PATIENCE");
	if (netlink < 0)
		err(1, "netlink");
	family = family_of(netlink, NBD_GENL_FAMILY_NAME);
	for (;; command = NBD_CMD_RECONFIGURE) {
		int fd = connect_to(atoi(argv[1]), argv[2], &export);
		struct pollfd gone = { .fd = fd, .events = POLLRDHUP };

		tell(netlink, family, command, atoi(argv[3]), fd, &export, atoi(argv[4]));
		while (poll(&gone, 1, -1) < 0)
			;
		close(fd);
	}
}
