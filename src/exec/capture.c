/* Output capture: memory first, then a ring on disk. */
#include "exec/capture.h"

#include "base/err.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static uint64_t
spooled(const struct stream *stream)
{
	return stream->spool_in - stream->spool_out;
}

void
capture_clear(struct capture *capture)
{
	for (int i = 0; i < 2; i++) {
		buf_clear(&capture->streams[i].memory);
		if (capture->streams[i].spool_fd > 0)
			close(capture->streams[i].spool_fd);
	}
	*capture = (struct capture){0};
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
	if (stream->spool_fd <= 0)
		stream->spool_fd = open_spool(options->tmpdir);
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
		if (put <= 0)
			return false;
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
	for (;;) {
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
}

uint64_t
capture_pending(const struct capture *capture, int i)
{
	return spooled(&capture->streams[i]) + capture->streams[i].memory.len;
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

size_t
capture_take(struct capture *capture, int i, struct buf *to, size_t size,
	const struct capture_options *options)
{
	struct stream *stream = &capture->streams[i];
	size_t taken = 0;
	while (taken < size && spooled(stream))
		taken += take_spooled(stream, to, size - taken, options->spool_bytes);
	size_t rest = size - taken < stream->memory.len ? size - taken : stream->memory.len;
	buf_append(to, stream->memory.data, rest);
	buf_consume(&stream->memory, rest);
	return taken + rest;
}

int
capture_pipes_renew(struct capture_pipes *pipes, struct err *err)
{
	for (int i = 0; i < 2; i++) {
		int ends[2];
		if (pipe2(ends, O_CLOEXEC) < 0)
			return err_set_errno(err, "pipe");
		if (dup2(ends[1], STDOUT_FILENO + i) < 0)
			return err_set_errno(err, "dup2");
		close(ends[1]);
		fcntl(ends[0], F_SETFL, O_NONBLOCK);
		if (pipes->fds[i] > 0)
			close(pipes->fds[i]);
		pipes->fds[i] = ends[0];
	}
	return 0;
}
