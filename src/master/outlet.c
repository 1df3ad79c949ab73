/* Writing without blocking. */
#include "master/outlet.h"

#include "base/log.h"
#include "base/streams.h"
#include "base/unblocked.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The longest line whose end is waited for where standard output and error take turns. */
enum { REST_BYTES = 1 << 18 };

struct outlet
outlet_init(int fd)
{
	struct stat status;
	bool regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
	return (struct outlet){
		.fd = fd, .own = unblocked_open(fd), .regular = regular, .terminal = isatty(fd)};
}

void
outlet_put(struct outlet *outlet, const char *data, size_t len)
{
	buf_append(&outlet->buf, data, len);
	outlet_appended(outlet, len);
}

void
outlet_appended(struct outlet *outlet, size_t len)
{
	static bool said;
	outlet->taken += len;
	if (!len || !streams_is_one(outlet->fd))
		return;
	const char *end = outlet->buf.data + outlet->buf.len;
	const char *newline = memrchr(end - len, '\n', len);
	outlet->rest = newline ? (size_t)(end - newline) - 1 : outlet->rest + len;
	if (outlet->rest <= REST_BYTES)
		return;
	outlet->rest = 0;
	if (!said)
		log_warning("a line of output is longer than %d KiB: this mpirun may mix standard "
			    "output and error, which `mpirun --output :raw` does not",
			REST_BYTES >> 10);
	said = true;
}

/* Whole lines, if there are any, of the first LEN bytes. */
static size_t
piece(const struct outlet *outlet, size_t len)
{
	len = len < PIPE_BUF ? len : PIPE_BUF;
	const char *newline = memrchr(outlet->buf.data, '\n', len);
	return newline ? (size_t)(newline - outlet->buf.data) + 1 : len;
}

/* One that could not be opened anew, a socket, say, takes PIPE_BUF bytes without blocking where
 * poll(2) calls it writable, as a pipe does (pipe(7)). */
static int
write_some(struct outlet *outlet)
{
	size_t len = outlet_left(outlet);
	if (!outlet->regular) {
		struct pollfd fd = {.fd = outlet->fd, .events = POLLOUT};
		if (poll(&fd, 1, 0) <= 0)
			return 0;
		len = piece(outlet, len);
	}
	ssize_t put = write(outlet->own, outlet->buf.data, len);
	if (put < 0)
		return errno == EINTR ? 1 : errno == EAGAIN ? 0 : -1;
	outlet->in_line = put ? outlet->buf.data[put - 1] != '\n' : outlet->in_line;
	buf_consume(&outlet->buf, (size_t)put);
	streams_wrote(outlet->fd, outlet->in_line && outlet_left(outlet));
	return 1;
}

int
outlet_write(struct outlet *outlet)
{
	int more = 1;
	while (more > 0 && outlet_left(outlet) && streams_may_write(outlet->fd))
		more = write_some(outlet);
	outlet->blocked = more == 0;
	return more < 0 ? -1 : 0;
}

size_t
outlet_left(const struct outlet *outlet)
{
	return outlet->buf.len - outlet->rest;
}

uint64_t
outlet_written(const struct outlet *outlet)
{
	return outlet->taken - outlet_left(outlet);
}

void
outlet_clear(struct outlet *outlet)
{
	if (outlet->rest && outlet->rest == outlet->buf.len)
		streams_keep(outlet->fd, outlet->buf.data, outlet->rest);
	buf_clear(&outlet->buf);
	unblocked_close(outlet->own, outlet->fd);
}
