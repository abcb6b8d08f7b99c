// SPDX-License-Identifier: GPL-2.0-only
/* What all servers of network block devices have in common: see doc/proto.md of nbd. */
#include "nbd.h"

#include <endian.h>
#include <pthread.h>
#include <sys/socket.h>

static struct {
	int device, ours, theirs;
	pthread_t serves, runs;
	pthread_mutex_t lock;		/* of what is sent */
	bool (*answer)(const struct nbd_request *request);
} server = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool whole(ssize_t (*op)(int fd, void *buf, size_t len), void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = op(server.ours, (u8 *)buf + done, len - done);

		if (n <= 0)
			return false;
		done += n;
	}
	return true;
}

static ssize_t send_some(int sock, void *buf, size_t len)
{
	return send(sock, buf, len, MSG_NOSIGNAL);
}

static ssize_t receive_some(int sock, void *buf, size_t len)
{
	return recv(sock, buf, len, 0);
}

bool nbd_receive(void *to, size_t len)
{
	return whole(receive_some, to, len);
}

bool nbd_reply(const char *handle, u32 error, void *data, size_t len)
{
	struct nbd_reply reply = { .magic = htobe32(NBD_REPLY_MAGIC), .error = htobe32(error) };

	memcpy(reply.handle, handle, sizeof(reply.handle));
	return whole(send_some, &reply, sizeof(reply)) && whole(send_some, data, len);
}

u64 nbd_from(const struct nbd_request *request)
{
	return be64toh(request->from);
}

u32 nbd_length(const struct nbd_request *request)
{
	return be32toh(request->len);
}

u32 nbd_command(const struct nbd_request *request)
{
	return be32toh(request->type) & 0xffff;
}

void nbd_lock(void)
{
	pthread_mutex_lock(&server.lock);
}

void nbd_unlock(void)
{
	pthread_mutex_unlock(&server.lock);
}

static bool serve_one(void)
{
	struct nbd_request request;
	bool more;

	if (!nbd_receive(&request, sizeof(request)))
		return false;
	nbd_lock();
	more = server.answer(&request);
	nbd_unlock();
	return more;
}

static void *serve(void *unused)
{
	(void)unused;
	while (serve_one())
		;
	shutdown(server.ours, SHUT_RDWR);	/* or NBD_DO_IT waits for an answer for ever */
	return NULL;
}

static void *run(void *unused)
{
	(void)unused;
	ioctl(server.device, NBD_DO_IT);
	return NULL;
}

static bool has_size(void *pages)
{
	int f = open(NBD_NODE, O_RDONLY | O_CLOEXEC);
	bool sized = f >= 0 && lseek(f, 0, SEEK_END) == (off_t)(*(u64 *)pages * PAGE);

	if (f >= 0)
		close(f);
	return sized;
}

void nbd_make(u64 pages, u32 flags, bool (*answer)(const struct nbd_request *request))
{
	int pair[2];

	if (plain_at_home)
		skip("not in a VM");
	if (access(NBD_NODE, F_OK) && system("modprobe -q nbd nbds_max=1"))
		skip("no nbd");
	server.device = open(NBD_NODE, O_RDWR | O_CLOEXEC);
	if (server.device < 0)
		skip("no " NBD_NODE);
	server.answer = answer;
	need_ok(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	server.ours = pair[0];
	server.theirs = pair[1];
	need_ok(ioctl(server.device, NBD_SET_BLKSIZE, PAGE));
	need_ok(ioctl(server.device, NBD_SET_SIZE_BLOCKS, pages));
	need_ok(ioctl(server.device, NBD_SET_FLAGS, NBD_FLAG_HAS_FLAGS | flags));
	need_ok(ioctl(server.device, NBD_SET_SOCK, server.theirs));
	need(!pthread_create(&server.serves, NULL, serve, NULL), "no thread");
	need(!pthread_create(&server.runs, NULL, run, NULL), "no thread");
	need(wait_until(has_size, &pages, 10000), NBD_NODE " does not come");
}

void nbd_end(void)
{
	need_ok(ioctl(server.device, NBD_DISCONNECT));
	pthread_join(server.runs, NULL);
	pthread_join(server.serves, NULL);
	need_ok(ioctl(server.device, NBD_CLEAR_SOCK));
	need_ok(close(server.device));
}
