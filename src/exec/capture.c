/* Output capture: memory first, then a ring on disk. */
#include "exec/capture.h"

#include "base/err.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t
spooled(const struct stream *stream)
{
	return stream->spool_in - stream->spool_out;
}

void
capture_clear(struct capture *capture)
{
	capture_drop(capture);
	for (int i = 0; i < 2; i++) {
		buf_clear(&capture->streams[i].front);
		buf_clear(&capture->streams[i].memory);
	}
	*capture = (struct capture){0};
}

void
capture_drop(struct capture *capture)
{
	for (int i = 0; i < 2; i++) {
		struct stream *stream = &capture->streams[i];
		buf_consume(&stream->front, stream->front.len);
		buf_consume(&stream->memory, stream->memory.len);
		if (stream->spool_fd > 0)
			close(stream->spool_fd);
		stream->spool_fd = 0;
		stream->spool_in = stream->spool_out = 0;
	}
}

static int
open_spool(const char *tmpdir)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/mpbatch-spool-XXXXXX", tmpdir);
	int fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

/* Moves the memory to the spool, as much of it as the spool takes; true if all. A disk without room
 * is a full spool: the task waits until rank 0 has fetched what is there. */
static bool
spill(struct stream *stream, const struct capture_options *options)
{
	stream->error = 0;
	if (stream->spool_fd <= 0)
		stream->spool_fd = open_spool(options->tmpdir);
	if (stream->spool_fd < 0)
		stream->error = errno;
	while (stream->spool_fd > 0 && stream->memory.len &&
		spooled(stream) < options->spool_bytes) {
		uint64_t offset = stream->spool_in % options->spool_bytes;
		uint64_t room = options->spool_bytes - spooled(stream);
		uint64_t len = stream->memory.len;
		if (len > room)
			len = room;
		if (len > options->spool_bytes - offset)
			len = options->spool_bytes - offset;
		ssize_t put = pwrite(stream->spool_fd, stream->memory.data, len, (off_t)offset);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0) {
			stream->error = errno;
			return false;
		}
		buf_consume(&stream->memory, (size_t)put);
		stream->spool_in += (uint64_t)put;
	}
	return stream->memory.len == 0;
}

bool
capture_read(struct capture *capture, int i, int pipe_fd, const struct capture_options *options)
{
	static char bytes[CAPTURE_MEMORY_BYTES];
	struct stream *stream = &capture->streams[i];
	for (uint64_t end = stream->total + CAPTURE_READ_BYTES; stream->total < end;) {
		size_t room = CAPTURE_MEMORY_BYTES - stream->memory.len;
		if (!room && !spill(stream, options) && stream->memory.len == CAPTURE_MEMORY_BYTES)
			return false;
		room = CAPTURE_MEMORY_BYTES - stream->memory.len;
		ssize_t got = read(pipe_fd, bytes, room);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return true;
		buf_append(&stream->memory, bytes, (size_t)got);
		stream->total += (uint64_t)got;
	}
	return true;
}

uint64_t
capture_pending(const struct capture *capture, int i)
{
	const struct stream *stream = &capture->streams[i];
	return stream->front.len + spooled(stream) + stream->memory.len;
}

static size_t
take_spooled(struct stream *stream, struct buf *to, size_t size, uint64_t limit)
{
	uint64_t offset = stream->spool_out % limit;
	uint64_t len = spooled(stream);
	if (len > size)
		len = size;
	if (len > limit - offset)
		len = limit - offset;
	ssize_t got;
	do
		got = pread(stream->spool_fd, buf_room(to, len), len, (off_t)offset);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		die(4, "cannot read back spooled output (errno %d)", got ? errno : 0);
	buf_added(to, (size_t)got);
	stream->spool_out += (uint64_t)got;
	if (!spooled(stream)) /* from the start again: on a full disk that room is ours already */
		stream->spool_in = stream->spool_out = 0;
	return (size_t)got;
}

static size_t
move(struct buf *from, struct buf *to, size_t size)
{
	size_t len = size < from->len ? size : from->len;
	buf_append(to, from->data, len);
	buf_consume(from, len);
	return len;
}

/* What is behind the front. */
static size_t
take_rest(struct stream *stream, struct buf *to, size_t size, uint64_t limit)
{
	size_t taken = 0;
	while (taken < size && spooled(stream))
		taken += take_spooled(stream, to, size - taken, limit);
	return taken + move(&stream->memory, to, size - taken);
}

size_t
capture_take(struct capture *capture, int i, struct buf *to, size_t size,
	const struct capture_options *options)
{
	struct stream *stream = &capture->streams[i];
	size_t taken = move(&stream->front, to, size);
	return taken + take_rest(stream, to, size - taken, options->spool_bytes);
}

size_t
capture_take_lines(struct capture *capture, int i, struct buf *to, size_t size, bool complete,
	const struct capture_options *options)
{
	struct stream *stream = &capture->streams[i];
	struct buf *from = &stream->memory;
	if (spooled(stream) || stream->front.len) {
		from = &stream->front;
		if (from->len < size)
			take_rest(stream, from, size - from->len, options->spool_bytes);
	}
	size_t len = from->len < size ? from->len : size;
	const char *newline = len ? memrchr(from->data, '\n', len) : NULL;
	if (newline)
		len = (size_t)(newline - from->data) + 1;
	else if (len < size && !complete)
		len = 0;
	return move(from, to, len);
}

int
capture_pipes_new(struct capture_pipes *pipes, struct err *err)
{
	for (int i = 0; i < 2; i++) {
		int ends[2];
		if (pipe2(ends, O_CLOEXEC) < 0)
			return err_set_errno(err, "pipe");
		if (dup2(ends[1], STDOUT_FILENO + i) < 0)
			return err_set_errno(err, "dup2");
		close(ends[1]);
		fcntl(ends[0], F_SETFL, O_NONBLOCK);
		pipes->fds[i] = ends[0];
	}
	return 0;
}

void
capture_pipes_reset(void)
{
	for (int i = 0; i < 2; i++)
		fcntl(STDOUT_FILENO + i, F_SETFL, 0);
}
