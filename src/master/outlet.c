/* Writing without blocking. */
#include "master/outlet.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

struct outlet
outlet_init(int fd)
{
	struct stat status;
	bool regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
	return (struct outlet){.fd = fd, .regular = regular, .terminal = isatty(fd)};
}

void
outlet_put(struct outlet *outlet, const char *data, size_t len)
{
	buf_append(&outlet->buf, data, len);
	outlet->taken += len;
}

/*
 * The descriptors are shared with whoever started us, so O_NONBLOCK is not ours to set: a pipe or
 * terminal that poll(2) calls writable takes PIPE_BUF bytes without blocking (pipe(7)).
 */
static int
write_some(struct outlet *outlet)
{
	size_t len = outlet->buf.len;
	if (!outlet->regular) {
		struct pollfd fd = {.fd = outlet->fd, .events = POLLOUT};
		if (poll(&fd, 1, 0) <= 0)
			return 0;
		len = len < PIPE_BUF ? len : PIPE_BUF;
	}
	ssize_t put = write(outlet->fd, outlet->buf.data, len);
	if (put < 0)
		return errno == EINTR ? 1 : errno == EAGAIN ? 0 : -1;
	outlet->in_line = put ? outlet->buf.data[put - 1] != '\n' : outlet->in_line;
	buf_consume(&outlet->buf, (size_t)put);
	return 1;
}

int
outlet_write(struct outlet *outlet)
{
	int more = 1;
	while (more > 0 && outlet->buf.len)
		more = write_some(outlet);
	outlet->blocked = more == 0;
	return more < 0 ? -1 : 0;
}

uint64_t
outlet_written(const struct outlet *outlet)
{
	return outlet->taken - outlet->buf.len;
}
