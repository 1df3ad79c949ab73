/* Frames over a stream socket. */
#include "base/conn.h"

#include "base/log.h"
#include "base/pack.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD = 5, READ_BYTES = 64 * 1024 };

struct conn
conn_init(int fd)
{
	return (struct conn){.fd = fd};
}

void
conn_clear(struct conn *conn)
{
	if (conn->fd >= 0)
		close(conn->fd);
	buf_clear(&conn->in);
	buf_clear(&conn->out);
	*conn = (struct conn){.fd = -1};
}

static void
drop_taken(struct conn *conn)
{
	buf_consume(&conn->in, conn->taken);
	conn->taken = 0;
}

bool
conn_read(struct conn *conn)
{
	drop_taken(conn);
	for (;;) {
		char *room = buf_room(&conn->in, READ_BYTES);
		ssize_t got = recv(conn->fd, room, READ_BYTES, MSG_DONTWAIT);
		if (got > 0)
			buf_added(&conn->in, (size_t)got);
		if (got > 0 && got < READ_BYTES)
			return true;
		if (got > 0 || (got < 0 && errno == EINTR))
			continue;
		return got < 0 && errno == EAGAIN;
	}
}

bool
conn_next(struct conn *conn, uint8_t *type, struct unpack *payload)
{
	drop_taken(conn);
	struct unpack head = unpack_init(conn->in.data, conn->in.len);
	size_t len = unpack_u32(&head);
	*type = unpack_u8(&head);
	if (!head.bad && len > (1u << 30))
		die(4, "a frame of %zu bytes cannot be", len);
	if (head.bad || head.left < len)
		return false;
	*payload = unpack_init(head.at, len);
	conn->taken = HEAD + len;
	return true;
}

void
conn_begin(struct conn *conn, uint8_t type)
{
	conn->begun = conn->out.len;
	pack_u32(&conn->out, 0);
	pack_u8(&conn->out, type);
}

void
conn_end(struct conn *conn)
{
	size_t len = conn->out.len - conn->begun - HEAD;
	unsigned char *head = (unsigned char *)conn->out.data + conn->begun;
	for (int i = 0; i < 4; i++)
		head[i] = (unsigned char)(len >> (8 * i));
}

bool
conn_write(struct conn *conn)
{
	while (conn->out.len) {
		ssize_t put =
			send(conn->fd, conn->out.data, conn->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (put > 0)
			buf_consume(&conn->out, (size_t)put);
		else if (errno == EAGAIN)
			return true;
		else if (errno != EINTR)
			return false;
	}
	return true;
}
