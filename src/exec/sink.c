/* Outputs that rank 0 does not get. */
#include "exec/sink.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/ownfd.h"
#include "exec/capture.h"
#include "exec/dirs.h"
#include "exec/setup.h"
#include "run/store.h"
#include "tasks/task.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYNC_NS CLOCK_NS_PER_S
enum { PIECE_BYTES = 64 * 1024, TAIL_BYTES = 1024 };

void
sink_init(struct sink *sink, const struct setup *setup)
{
	*sink = (struct sink){.mode = setup->output,
		.remove_empty = setup->remove_empty,
		.keep_failed_only = setup->keep_failed_only,
		.synced_ns = clock_now_ns()};
	if (sink->mode == OUTPUT_STORE)
		sink->store = store_new(setup->run_dir, setup->session, setup->rank, setup->slot);
}

/* --- failures --- */

static void
fail(struct sink *sink, int error, const struct err *failure)
{
	if (sink->error)
		return;
	sink->error = error ? error : EIO;
	sink->failure = *failure;
}

void
sink_fail(struct sink *sink, int error, const char *what)
{
	struct err failure;
	errno = error;
	err_set_errno(&failure, "%.300s", what);
	fail(sink, error, &failure);
}

/* --- a task's own files --- */

/* PATH as seen from here: a relative one is the task's directory's. The caller's to free. */
static char *
path_from_here(const struct task *task, const char *path)
{
	if (path[0] == '/' || !task->cwd[0])
		return xstrdup(path);
	return xasprintf("%s/%s", task->cwd, path);
}

/* A named pipe that nobody reads must not hold up the slot: hence O_NONBLOCK. One that is read is
 * refused all the same, since its reader may be slow, and no wait for it can be allowed here; so is
 * a link to this process's own end of a task's pipe, which would be fed with what it gives. */
static int
open_path(const char *path)
{
	int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd = open(path, flags, 0666);
	if (fd >= 0 || errno != ENOENT || dirs_make_above(path) < 0)
		return fd;
	return open(path, flags, 0666);
}

static int
open_file(struct sink *sink, int i, const struct task *task, const char *path)
{
	if (!path[0])
		return 0;
	struct sink_file *file = &sink->files[i];
	file->path = path_from_here(task, path);
	int fd = ownfd_named(path) ? -1 : open_path(file->path);
	struct stat status;
	if (fd < 0 || fstat(fd, &status) < 0) {
		sink_fail(sink, ownfd_named(path) ? EINVAL : errno, file->path);
		return -1;
	}
	file->fd = fd;
	if (S_ISFIFO(status.st_mode) || isatty(fd)) {
		struct err failure;
		errno = EINVAL;
		err_set_errno(&failure,
			"%.300s: expected a file, not a pipe or terminal (the command can write "
			"there itself)",
			file->path);
		fail(sink, EINVAL, &failure);
		return -1;
	}
	file->regular = S_ISREG(status.st_mode);
	return 0;
}

/* Some file systems say only now that there was no room. */
static void
close_file(struct sink *sink, struct sink_file *file)
{
	struct stat status;
	if (!file->fd)
		return;
	file->empty = sink->remove_empty && fstat(file->fd, &status) == 0 && !status.st_size;
	if (close(file->fd) < 0 && errno != EINTR)
		sink_fail(sink, errno, file->path);
	file->fd = 0;
}

static void
forget_file(struct sink_file *file)
{
	if (file->fd)
		close(file->fd);
	free(file->path);
	*file = (struct sink_file){0};
}

static void
end_files(struct sink *sink, const struct result *result)
{
	for (int i = 0; i < 2; i++)
		close_file(sink, &sink->files[i]);
	bool succeeded = result->reason == RESULT_OK && !sink->error;
	for (int i = 0; i < 2; i++) {
		struct sink_file *file = &sink->files[i];
		bool unwanted = file->empty || (sink->keep_failed_only && succeeded);
		if (file->regular && unwanted)
			unlink(file->path);
		forget_file(file);
	}
}

static void
write_file(struct sink *sink, struct sink_file *file, const char *data, size_t len)
{
	while (len && file->fd && !sink->error) {
		ssize_t put = write(file->fd, data, len);
		if (put < 0 && errno != EINTR)
			sink_fail(sink, errno, file->path);
		data += put > 0 ? put : 0;
		len -= put > 0 ? (size_t)put : 0;
	}
}

/* --- an attempt --- */

int
sink_begin(struct sink *sink, const struct task *task)
{
	buf_consume(&sink->tail, sink->tail.len);
	sink->error = 0;
	if (sink->mode != OUTPUT_FILES)
		return 0;
	for (int i = 0; i < 2; i++)
		forget_file(&sink->files[i]);
	sink->merged = task->out[0] && strcmp(task->out, task->err) == 0;
	if (open_file(sink, 0, task, task->out) < 0)
		return -1;
	return sink->merged ? 0 : open_file(sink, 1, task, task->err);
}

bool
sink_is_direct(const struct sink *sink)
{
	return sink->mode == OUTPUT_NONE || sink->mode == OUTPUT_FILES || sink->error;
}

static void
keep_tail(struct sink *sink, int i, const char *data, size_t len)
{
	if (i != 1 && !sink->merged)
		return;
	size_t more = len < TAIL_BYTES ? len : TAIL_BYTES;
	buf_append(&sink->tail, data + len - more, more);
	if (sink->tail.len > TAIL_BYTES)
		buf_consume(&sink->tail, sink->tail.len - TAIL_BYTES);
}

uint64_t
sink_read(struct sink *sink, int i, int pipe_fd)
{
	static char bytes[PIECE_BYTES];
	uint64_t total = 0;
	while (total < CAPTURE_READ_BYTES) {
		ssize_t got = read(pipe_fd, bytes, sizeof(bytes));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		keep_tail(sink, i, bytes, (size_t)got);
		write_file(sink, &sink->files[i], bytes, (size_t)got);
		total += (uint64_t)got;
	}
	return total;
}

/* What a failed sync did not write may be gone, and the next one succeeds nevertheless: so the
 * failure is kept until an attempt has said so. */
static void
sync_store(struct sink *sink)
{
	int64_t now = clock_now_ns();
	struct err err;
	if (store_sync(sink->store, &err) < 0) {
		sink->sync_error = errno ? errno : EIO;
		sink->sync_failure = err;
		sink->sync_said = false;
		sink->sync_ns = now + SYNC_NS;
		return;
	}
	if (sink->sync_said)
		sink->sync_error = 0;
	sink->sync_ns = 0;
	sink->synced_ns = now;
}

static void
store_stream(
	struct sink *sink, struct capture *capture, int i, const struct capture_options *options)
{
	static struct buf piece;
	while (!sink->error && capture_take(capture, i, &piece, PIECE_BYTES, options)) {
		struct err err;
		if (store_write(sink->store, piece.data, piece.len, &err) < 0)
			fail(sink, errno, &err);
		keep_tail(sink, i, piece.data, piece.len);
		buf_consume(&piece, piece.len);
	}
}

static void
store_output(struct sink *sink, struct capture *capture, const struct capture_options *options,
	struct result *result)
{
	for (int i = 0; i < 2; i++)
		store_stream(sink, capture, i, options);
	capture_drop(capture);
	/* Where a second has passed it costs no more to sync first: success is then said of what is
	 * safe. */
	if (clock_now_ns() - sink->synced_ns >= SYNC_NS)
		sync_store(sink);
	if (sink->sync_error) {
		fail(sink, sink->sync_error, &sink->sync_failure);
		sink->sync_said = true;
		if (!sink->sync_ns)
			sink->sync_error = 0;
	}
	if (sink->error) {
		store_drop(sink->store);
		return;
	}
	struct stored stored = store_end(sink->store);
	result->stored = true;
	result->stored_at = stored.offset;
	result->stored_sum = stored.sum;
	if (!sink->sync_ns && result->out_bytes + result->err_bytes)
		sink->sync_ns = clock_now_ns() + SYNC_NS;
}

void
sink_end(struct sink *sink, struct capture *capture, const struct capture_options *options,
	struct result *result)
{
	if (sink->mode == OUTPUT_GROUP || sink->mode == OUTPUT_LINE)
		return;
	if (sink->mode == OUTPUT_STORE)
		store_output(sink, capture, options, result);
	if (sink->mode == OUTPUT_FILES)
		end_files(sink, result);
	if (sink->error) {
		if (result->reason == RESULT_OK)
			result->reason = RESULT_OUTPUT;
		if (result->reason != RESULT_SPAWN)
			result->error = sink->error;
		buf_consume(&sink->tail, sink->tail.len);
		buf_printf(&sink->tail, "mpbatch: its output could not be stored: %s",
			sink->failure.text);
	}
	result->away = true;
	result->tail = sink->tail.data;
	result->tail_len = sink->tail.len;
}

/* --- the store on disk --- */

int
sink_sync(struct sink *sink, struct err *err)
{
	if (sink->store)
		sync_store(sink);
	*err = sink->sync_failure;
	return sink->sync_error && !sink->sync_said ? -1 : 0;
}

int64_t
sink_deadline(const struct sink *sink)
{
	return sink->sync_ns ? sink->sync_ns : CLOCK_NEVER;
}

void
sink_tick(struct sink *sink, int64_t now)
{
	if (now >= sink_deadline(sink))
		sync_store(sink);
}

void
sink_close(struct sink *sink)
{
	if (sink->sync_ns)
		sync_store(sink);
	store_free(sink->store);
	sink->store = NULL;
	for (int i = 0; i < 2; i++)
		forget_file(&sink->files[i]);
	buf_clear(&sink->tail);
}
