/*
 * Reading lines, a block at a time. What came from a pipe is kept in a spool if it will be wanted
 * again: a file without a name, so that nothing is left behind however this ends.
 */
#include "tasks/lines.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 256 * 1024 };

struct lines {
	char *name; /* as messages name it */
	int fd;
	int spool;    /* -1: none */
	bool input;   /* it is standard input, and NAME no path */
	bool regular; /* a file with a size: never waits, can change under us */
	bool ended;   /* not a regular file: it has said so, and is not asked again */
	bool at_end;  /* nothing comes after what is in BUF */
	struct stat status;
	off_t start;	  /* of a regular file: where it stood when it was opened */
	uint64_t size;	  /* of a regular file, from START */
	uint64_t spooled; /* bytes in the spool */
	struct buf buf;
	size_t taken_last;    /* bytes at the front of BUF that the line given last occupies */
	size_t searched;      /* bytes of BUF known to have no newline */
	uint64_t line;	      /* lines given */
	uint64_t newlines;    /* not a regular file: newlines in BUF */
	uint64_t read_bytes;  /* from the start of the file, or of the spool */
	uint64_t taken_bytes; /* of lines given */
};

/* --- reading --- */

static uint64_t
count_newlines(const char *at, size_t len)
{
	uint64_t count = 0;
	const char *end = at + len;
	while ((at = memchr(at, '\n', (size_t)(end - at)))) {
		count++;
		at++;
	}
	return count;
}

/* The file that was opened is still as it was, and no other stands in its place. One whose name is
 * gone is whole all the same. */
static int
check_unchanged(const struct lines *lines, struct err *err)
{
	struct stat now, named;
	bool same = fstat(lines->fd, &now) == 0 && now.st_size == lines->status.st_size &&
		    now.st_mtim.tv_sec == lines->status.st_mtim.tv_sec &&
		    now.st_mtim.tv_nsec == lines->status.st_mtim.tv_nsec;
	if (same && !lines->input && stat(lines->name, &named) == 0)
		same = named.st_ino == lines->status.st_ino && named.st_dev == lines->status.st_dev;
	return same ? 0 : err_set(err, "%.300s has changed since the run began", lines->name);
}

/* A change is looked for after the read: one that came between the two would pass unseen. */
static ssize_t
read_file(const struct lines *lines, char *room, struct err *err)
{
	ssize_t got;
	do
		got = read(lines->fd, room, READ_BYTES);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_set_errno(err, "%.300s: cannot read", lines->name);
	if (check_unchanged(lines, err) < 0)
		return -1;
	if (got == 0 && lines->read_bytes < lines->size)
		return err_set(
			err, "%.300s is shorter than it was when it was opened", lines->name);
	return got;
}

static int
spool_write(struct lines *lines, const char *data, size_t len, struct err *err)
{
	while (len) {
		ssize_t put = pwrite(lines->spool, data, len, (off_t)lines->spooled);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return err_set_errno(err, "%.300s: cannot keep its lines", lines->name);
		data += put;
		len -= (size_t)put;
		lines->spooled += (uint64_t)put;
	}
	return 0;
}

static ssize_t
spool_read(const struct lines *lines, char *room, struct err *err)
{
	uint64_t left = lines->spooled - lines->read_bytes;
	ssize_t got;
	do
		got = pread(lines->spool, room, left < READ_BYTES ? (size_t)left : READ_BYTES,
			(off_t)lines->read_bytes);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_set_errno(err, "%.300s: cannot read what was kept of it", lines->name);
	if (got == 0)
		return err_set(err, "%.300s: what was kept of it is gone", lines->name);
	return got;
}

/* What is there of a pipe; *NOTHING if that is nothing. */
static ssize_t
read_pipe(struct lines *lines, char *room, bool *nothing, struct err *err)
{
	struct pollfd fd = {.fd = lines->fd, .events = POLLIN};
	if (lines->spool >= 0 && lines->read_bytes < lines->spooled)
		return spool_read(lines, room, err);
	if (lines->ended)
		return 0;
	*nothing = poll(&fd, 1, 0) <= 0;
	if (*nothing)
		return 0;
	ssize_t got = read(lines->fd, room, READ_BYTES);
	*nothing = got < 0 && (errno == EAGAIN || errno == EINTR);
	if (*nothing)
		return 0;
	if (got < 0)
		return err_set_errno(err, "%.300s: cannot read", lines->name);
	if (lines->spool >= 0 && spool_write(lines, room, (size_t)got, err) < 0)
		return -1;
	lines->ended = got == 0;
	return got;
}

/* Reads a block. 1: something came, or the end; 0: nothing is here now; -1: ERR. */
static int
fill(struct lines *lines, struct err *err)
{
	bool nothing = false;
	char *room = buf_room(&lines->buf, READ_BYTES);
	ssize_t got = lines->regular ? read_file(lines, room, err)
				     : read_pipe(lines, room, &nothing, err);
	if (got < 0)
		return -1;
	if (nothing)
		return 0;
	if (!lines->regular)
		lines->newlines += count_newlines(room, (size_t)got);
	buf_added(&lines->buf, (size_t)got);
	lines->read_bytes += (uint64_t)got;
	lines->at_end = got == 0;
	return 1;
}

/* --- lines --- */

/* Drops the line that was given last, which its user has had until now. */
static void
drop_last(struct lines *lines)
{
	if (lines->taken_last)
		buf_consume(&lines->buf, lines->taken_last);
	lines->taken_last = 0;
}

/* Is there a whole line at the front of the buffer? */
static bool
find_line(struct lines *lines, size_t *len)
{
	const struct buf *buf = &lines->buf;
	const char *end = buf->len > lines->searched ? memchr(buf->data + lines->searched, '\n',
							       buf->len - lines->searched)
						     : NULL;
	lines->searched = end ? (size_t)(end - buf->data) : buf->len;
	if (!end && (!lines->at_end || !buf->len))
		return false;
	*len = lines->searched;
	return true;
}

static void
take_line(struct lines *lines, size_t len)
{
	bool newline = len < lines->buf.len;
	lines->taken_last = len + newline;
	lines->taken_bytes += lines->taken_last;
	lines->searched = 0;
	lines->line++;
	if (newline && !lines->regular)
		lines->newlines--;
}

int
lines_check(const struct lines *lines, struct err *err)
{
	return lines->regular ? check_unchanged(lines, err) : 0;
}

enum next
lines_next(struct lines *lines, const char **line, size_t *len, struct err *err)
{
	size_t found;
	drop_last(lines);
	while (!find_line(lines, &found)) {
		if (lines->at_end)
			return lines_check(lines, err) < 0 ? NEXT_ERROR : NEXT_END;
		int got = fill(lines, err);
		if (got <= 0)
			return got < 0 ? NEXT_ERROR : NEXT_WAIT;
	}
	const char *nul = memchr(lines->buf.data, '\0', found);
	if (nul) {
		err_set(err, "%.300s:%llu:%zu: a NUL byte, expected text", lines->name,
			(unsigned long long)lines->line + 1, (size_t)(nul - lines->buf.data) + 1);
		return NEXT_ERROR;
	}
	take_line(lines, found);
	*line = lines->buf.data;
	*len = found;
	return NEXT_ONE;
}

size_t
lines_mark(uint64_t number, const char *line, size_t len)
{
	return number == 1 && len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

int
lines_ahead(struct lines *lines, const char **data, size_t *len, bool *whole, struct err *err)
{
	drop_last(lines);
	while (lines->regular && lines->read_bytes <= LINES_AHEAD_BYTES && !lines->at_end)
		if (fill(lines, err) < 0)
			return -1;
	*data = lines->buf.data;
	*len = !lines->regular			    ? 0
	       : lines->buf.len > LINES_AHEAD_BYTES ? LINES_AHEAD_BYTES
						    : lines->buf.len;
	*whole = lines->regular && lines->at_end && lines->read_bytes <= LINES_AHEAD_BYTES;
	return 0;
}

int
lines_rewind(struct lines *lines, struct err *err)
{
	if (!lines->regular && lines->spool < 0)
		return err_set(err, "%.300s cannot be read a second time", lines->name);
	if (lines->regular && lseek(lines->fd, lines->start, SEEK_SET) < 0)
		return err_set_errno(err, "%.300s: cannot go back to its start", lines->name);
	lines->taken_last = lines->buf.len;
	drop_last(lines);
	lines->searched = 0;
	lines->line = 0;
	lines->newlines = 0;
	lines->read_bytes = 0;
	lines->taken_bytes = 0;
	lines->at_end = false;
	return 0;
}

/* --- opening --- */

static int
open_spool(struct lines *lines, const char *dir, struct err *err)
{
	struct buf path = {0};
	buf_printf(&path, "%s/mpbatch-lines-XXXXXX", dir);
	buf_append(&path, "", 1);
	lines->spool = mkostemp(path.data, O_CLOEXEC);
	if (lines->spool >= 0)
		unlink(path.data);
	else
		err_set_errno(err, "%.300s: cannot make a file to keep lines in", dir);
	buf_clear(&path);
	return lines->spool >= 0 ? 0 : -1;
}

static int
open_lines(struct lines *lines, const char *path, const char *spool_dir, struct err *err)
{
	lines->fd = lines->input ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
				 : open(path, O_RDONLY | O_CLOEXEC);
	if (lines->fd < 0)
		return err_set_errno(err, "%.300s: cannot open", lines->name);
	if (fstat(lines->fd, &lines->status) < 0)
		return err_set_errno(err, "%.300s", lines->name);
	if (S_ISDIR(lines->status.st_mode))
		return err_set(err, "%.300s is a directory, expected a file", lines->name);
	lines->regular = S_ISREG(lines->status.st_mode);
	if (!lines->regular)
		return spool_dir ? open_spool(lines, spool_dir, err) : 0;
	off_t at = lseek(lines->fd, 0, SEEK_CUR); /* standard input need not be at its start */
	lines->start = at > 0 ? at : 0;
	if (lines->start < lines->status.st_size)
		lines->size = (uint64_t)(lines->status.st_size - lines->start);
	return 0;
}

struct lines *
lines_open(const char *path, const char *spool_dir, struct err *err)
{
	struct lines *lines = xcalloc(1, sizeof(*lines));
	lines->fd = -1;
	lines->spool = -1;
	lines->input = strcmp(path, "-") == 0;
	lines->name = xstrdup(lines->input ? "standard input" : path);
	if (open_lines(lines, path, spool_dir, err) == 0)
		return lines;
	lines_free(lines);
	return NULL;
}

void
lines_free(struct lines *lines)
{
	if (!lines)
		return;
	if (lines->fd >= 0)
		close(lines->fd);
	if (lines->spool >= 0)
		close(lines->spool);
	buf_clear(&lines->buf);
	free(lines->name);
	free(lines);
}

/* --- what is known of them --- */

int
lines_fd(const struct lines *lines)
{
	return lines->regular ? -1 : lines->fd;
}

const char *
lines_name(const struct lines *lines)
{
	return lines->name;
}

uint64_t
lines_number(const struct lines *lines)
{
	return lines->line;
}

bool
lines_are_seekable(const struct lines *lines)
{
	return lines->regular;
}

uint64_t
lines_remaining(const struct lines *lines)
{
	if (!lines->regular || lines->taken_bytes >= lines->size)
		return lines->newlines;
	uint64_t mean = lines->line ? lines->taken_bytes / lines->line + 1 : 64;
	return (lines->size - lines->taken_bytes) / mean + 1;
}
