/* Standard output and error of all tasks. */
#include "master/output.h"

#include "base/err.h"
#include "base/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Chunks (EXEC_CHUNK_BYTES) of one task on their way or in memory; bytes of ours above which no
 * more are asked for; how much of the end of standard error is kept for the report. */
enum { WINDOW = 8, BUFFERED_BYTES = 1 << 20, TAIL_BYTES = 1024 };

struct sink {
	int fd;
	bool regular; /* a file: takes everything */
	bool blocked;
	struct buf buf;
	uint64_t taken; /* bytes ever put into BUF */
};

struct output {
	struct output_options options;
	struct sink sinks[2];
	struct flight_queue done;    /* wait until their bytes are written */
	struct flight_queue waiting; /* rode, but another is being fetched */
	struct flight_queue to_fetch;
	struct flight *fetched; /* now; NULL: none */
	uint32_t asked;		/* chunks of it that have not come */
	size_t waiting_bytes;
	struct err failure;
	bool failed;
};

struct output *
output_new(const struct output_options *options)
{
	struct output *output = xcalloc(1, sizeof(*output));
	output->options = *options;
	for (int i = 0; i < 2; i++) {
		struct stat status;
		output->sinks[i].fd = options->fds[i];
		output->sinks[i].regular =
			fstat(options->fds[i], &status) == 0 && S_ISREG(status.st_mode);
	}
	return output;
}

void
output_free(struct output *output)
{
	if (!output)
		return;
	buf_clear(&output->sinks[0].buf);
	buf_clear(&output->sinks[1].buf);
	free(output);
}

/* --- the order of outputs --- */

static void
put(struct output *output, int i, const char *data, size_t len)
{
	buf_append(&output->sinks[i].buf, data, len);
	output->sinks[i].taken += len;
}

static void
keep_tail(struct flight *flight, const char *data, size_t len)
{
	buf_append(&flight->tail, data, len);
	if (flight->tail.len > TAIL_BYTES)
		buf_consume(&flight->tail, flight->tail.len - TAIL_BYTES);
}

static void
complete(struct output *output, struct flight *flight)
{
	for (int i = 0; i < 2; i++)
		flight->out_position[i] = output->sinks[i].taken;
	flight_queue_push(&output->done, flight);
}

static void
ask(struct output *output)
{
	size_t held = output->sinks[0].buf.len + output->sinks[1].buf.len;
	if (held > BUFFERED_BYTES || output->asked > WINDOW / 2)
		return;
	output->options.credit(output->options.arg, output->fetched, WINDOW - output->asked);
	output->asked = WINDOW;
}

static void
fetch_next(struct output *output)
{
	output->fetched = flight_queue_pop(&output->to_fetch);
	output->asked = 0;
	if (output->fetched)
		ask(output);
}

void
output_offered(struct output *output, struct flight *flight)
{
	if (flight->fetching)
		return;
	flight->fetching = true;
	flight_queue_push(&output->to_fetch, flight);
	if (!output->fetched)
		fetch_next(output);
}

void
output_ended(struct output *output, struct flight *flight, const char *out, const char *err)
{
	const struct result *result = &flight->result;
	if (result->offered) {
		output_offered(output, flight);
		return;
	}
	keep_tail(flight, err, result->err_bytes);
	if (!output->fetched) {
		put(output, 0, out, result->out_bytes);
		put(output, 1, err, result->err_bytes);
		complete(output, flight);
		return;
	}
	buf_append(&flight->bytes[0], out, result->out_bytes);
	buf_append(&flight->bytes[1], err, result->err_bytes);
	output->waiting_bytes += result->out_bytes + result->err_bytes;
	flight_queue_push(&output->waiting, flight);
}

void
output_chunk(struct output *output, struct flight *flight, int stream, const char *data, size_t len)
{
	if (flight != output->fetched)
		return;
	if (stream == 2)
		keep_tail(flight, data, len);
	put(output, stream - 1, data, len);
	output->asked--;
}

/* Those that rode meanwhile. */
static void
release_waiting(struct output *output)
{
	struct flight *waiting;
	while ((waiting = flight_queue_pop(&output->waiting))) {
		for (int i = 0; i < 2; i++) {
			put(output, i, waiting->bytes[i].data, waiting->bytes[i].len);
			buf_clear(&waiting->bytes[i]);
		}
		complete(output, waiting);
	}
	output->waiting_bytes = 0;
}

void
output_fetched(struct output *output, struct flight *flight)
{
	if (flight == output->fetched) {
		output->fetched = NULL;
		complete(output, flight);
		release_waiting(output);
		fetch_next(output);
	} else if (flight_queue_remove(&output->to_fetch, flight)) {
		flight_queue_push(&output->waiting, flight); /* nothing of it will ever come */
		if (!output->fetched)
			release_waiting(output);
	}
}

/* --- writing --- */

/*
 * The descriptors are shared with whoever started us, so O_NONBLOCK is not ours to set: a pipe or
 * terminal that poll(2) calls writable takes PIPE_BUF bytes without blocking (pipe(7)).
 */
static int
write_some(struct sink *sink)
{
	size_t len = sink->buf.len;
	if (!sink->regular) {
		struct pollfd fd = {.fd = sink->fd, .events = POLLOUT};
		if (poll(&fd, 1, 0) <= 0)
			return 0;
		len = len < PIPE_BUF ? len : PIPE_BUF;
	}
	ssize_t put = write(sink->fd, sink->buf.data, len);
	if (put < 0)
		return errno == EINTR ? 1 : errno == EAGAIN ? 0 : -1;
	buf_consume(&sink->buf, (size_t)put);
	return 1;
}

int
output_write(struct output *output, struct err *err)
{
	for (int i = 0; i < 2 && !output->failed; i++) {
		struct sink *sink = &output->sinks[i];
		int more = 1;
		while (more > 0 && sink->buf.len)
			more = write_some(sink);
		sink->blocked = more == 0;
		if (more < 0) {
			err_set_errno(&output->failure, "cannot write %s",
				i ? "standard error" : "standard output");
			output->failed = true;
		}
	}
	if (output->fetched && !output->failed)
		ask(output);
	if (output->failed && err)
		*err = output->failure;
	return output->failed ? -1 : 0;
}

struct flight *
output_next_done(struct output *output)
{
	const struct flight *first = output->done.first;
	for (int i = 0; first && i < 2; i++)
		if (first->out_position[i] > output->sinks[i].taken - output->sinks[i].buf.len)
			return NULL;
	return flight_queue_pop(&output->done);
}

size_t
output_backlog(const struct output *output)
{
	return output->waiting_bytes + output->sinks[0].buf.len + output->sinks[1].buf.len;
}

bool
output_is_fetching(const struct output *output)
{
	return output->fetched;
}

int
output_wants(const struct output *output, int i)
{
	const struct sink *sink = &output->sinks[i];
	return sink->blocked && !output->failed ? sink->fd : -1;
}
