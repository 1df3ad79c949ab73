/* Standard output and error of all tasks. */
#include "master/output.h"

#include "base/err.h"
#include "base/log.h"
#include "master/order.h"
#include "master/outlet.h"
#include "master/pieces.h"
#include "tasks/task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Chunks (EXEC_CHUNK_BYTES) of one task on their way or in memory, and of each that is fetched
 * while it runs; pieces of such a one that are put at a time; bytes of ours above which no more are
 * asked for; how often these are filled from the disk at a time; how much of the end of standard
 * error is kept for the report; the longest line that is kept whole. */
enum {
	WINDOW = 8,
	RUNNING_WINDOW = 2,
	PIECES_AT_ONCE = 16,
	BUFFERED_BYTES = 1 << 20,
	TURNS_AT_ONCE = 32,
	TAIL_BYTES = 1024,
	LINE_BYTES = 1 << 20
};

struct output {
	struct output_options options;
	struct outlet outlets[2];
	struct flight_queue done;    /* wait until their bytes are written */
	struct flight_queue waiting; /* rode, but another is being fetched */
	struct flight_queue to_fetch;
	struct flight_queue owing; /* by line: they are owed credit until ours is written */
	struct flight *fetched;	   /* now; NULL: none */
	size_t waiting_bytes;
	struct flight *broken[2]; /* by line: whose unfinished line stands at our end */
	struct buf tagged;
	struct buf pieces[2]; /* on their way from the disk */
	struct err failure, spool_failure;
	bool failed, reader_gone, spool_failed;
	bool more; /* of what waited for its turn is to be written at once */
};

struct output *
output_new(const struct output_options *options)
{
	struct output *output = xcalloc(1, sizeof(*output));
	output->options = *options;
	for (int i = 0; i < 2; i++)
		output->outlets[i] = outlet_init(options->fds[i]);
	return output;
}

void
output_free(struct output *output)
{
	if (!output)
		return;
	outlet_clear(&output->outlets[0]);
	outlet_clear(&output->outlets[1]);
	buf_clear(&output->tagged);
	buf_clear(&output->pieces[0]);
	buf_clear(&output->pieces[1]);
	order_free(output->options.order);
	free(output);
}

/* --- where bytes go --- */

static void
give_up(struct output *output, const struct err *err)
{
	if (!output->failed)
		output->failure = *err;
	output->failed = true;
}

/* The disk does not take the flight's output: what was kept of it is dropped. */
static void
forget(struct output *output, struct flight *flight, const struct err *err)
{
	if (!output->spool_failed)
		output->spool_failure = *err;
	output->spool_failed = true;
	flight->unkept = true;
	order_drop(output->options.order);
}

/* To our output, or to the disk if it is not the flight's turn. */
static void
pass(struct output *output, struct flight *flight, int i, const char *data, size_t len)
{
	struct order *order = output->options.order;
	struct err err;
	if (flight->unkept || output->failed)
		return;
	if (!order || order_is_turn(order, flight->task->order))
		outlet_put(&output->outlets[i], data, len);
	else if (order_add(order, i, data, len, &err) < 0)
		forget(output, flight, &err);
}

/* The same with the tag and a tab before each line. */
static void
pass_tagged(struct output *output, struct flight *flight, int i, const char *data, size_t len)
{
	struct buf *tagged = &output->tagged;
	while (len) {
		const char *end = memchr(data, '\n', len);
		size_t line = end ? (size_t)(end - data) + 1 : len;
		if (!flight->in_line[i]) {
			buf_append_string(tagged, flight->task->tag);
			buf_append(tagged, "\t", 1);
		}
		buf_append(tagged, data, line);
		flight->in_line[i] = !end;
		data += line;
		len -= line;
	}
	pass(output, flight, i, tagged->data, tagged->len);
	buf_consume(tagged, tagged->len);
}

/* A line too long to be kept whole is broken where another task's follows. */
static void
break_line(struct output *output, int i)
{
	struct flight *flight = output->broken[i];
	output->broken[i] = NULL;
	if (!flight)
		return;
	pass(output, flight, i, "\n", 1);
	flight->in_line[i] = false;
}

static void
put(struct output *output, struct flight *flight, int i, const char *data, size_t len)
{
	if (!len)
		return;
	if (output->broken[i] != flight)
		break_line(output, i);
	if (*flight->task->tag)
		pass_tagged(output, flight, i, data, len);
	else
		pass(output, flight, i, data, len);
	bool open = data[len - 1] != '\n' && output->options.by_line;
	output->broken[i] = open ? flight : NULL;
}

/* Whole lines only; the rest waits in the flight. */
static void
put_lines(struct output *output, struct flight *flight, int i, const char *data, size_t len)
{
	struct buf *rest = &flight->bytes[i];
	const char *end = len ? memrchr(data, '\n', len) : NULL;
	size_t whole = end ? (size_t)(end - data) + 1 : 0;
	if (!whole && rest->len + len > LINE_BYTES)
		whole = len;
	if (whole) {
		put(output, flight, i, rest->data, rest->len);
		buf_consume(rest, rest->len);
		put(output, flight, i, data, whole);
	}
	buf_append(rest, data + whole, len - whole);
}

/* Another task's line follows: an unfinished one is ended. */
static void
end_lines(struct output *output, struct flight *flight)
{
	for (int i = 0; i < 2; i++) {
		struct buf *rest = &flight->bytes[i];
		put(output, flight, i, rest->data, rest->len);
		buf_consume(rest, rest->len);
		if (output->broken[i] == flight)
			break_line(output, i);
		else if (flight->in_line[i])
			pass(output, flight, i, "\n", 1);
		flight->in_line[i] = false;
	}
}

static void
keep_tail(struct flight *flight, const char *data, size_t len)
{
	buf_append(&flight->tail, data, len);
	if (flight->tail.len > TAIL_BYTES)
		buf_consume(&flight->tail, flight->tail.len - TAIL_BYTES);
}

/* --- the order of outputs --- */

static void
say_unkept(const struct output *output, struct flight *flight)
{
	if (flight->result.reason == RESULT_OK)
		flight->result.reason = RESULT_OUTPUT;
	buf_consume(&flight->tail, flight->tail.len);
	buf_printf(&flight->tail, "mpbatch: %s", output->spool_failure.text);
}

/* All of it has been put. */
static void
complete(struct output *output, struct flight *flight)
{
	struct order *order = output->options.order;
	struct err err;
	bool here = !order || order_is_turn(order, flight->task->order);
	end_lines(output, flight);
	for (int i = 0; i < 2 && here; i++)
		flight->out_position[i] = output->outlets[i].taken;
	if (order && here)
		order_passed(order);
	else if (order && order_end(order, flight->task->order, &err) < 0)
		forget(output, flight, &err);
	if (flight->unkept)
		say_unkept(output, flight);
	if (flight->owed)
		flight_queue_remove(&output->owing, flight);
	flight_queue_push(&output->done, flight);
}

/* Once writing has failed everything is taken, and dropped: who waits for credit could not end. */
static bool
takes_more(const struct output *output)
{
	return output->failed ||
	       output->outlets[0].buf.len + output->outlets[1].buf.len <= BUFFERED_BYTES;
}

/* --- fetching --- */

/* Is something of it here that has not been put? */
static bool
is_held(const struct flight *flight)
{
	return flight->held || flight->bytes[0].len || flight->bytes[1].len;
}

static void
ask(struct output *output, struct flight *flight, uint32_t window)
{
	if (flight->asked > window / 2)
		return;
	output->options.credit(output->options.arg, flight, window - flight->asked);
	flight->asked = window;
}

/* What is here of it comes first. */
static void
ask_fetched(struct output *output)
{
	if (output->fetched && !is_held(output->fetched) && takes_more(output))
		ask(output, output->fetched, WINDOW);
}

static void
fetch_next(struct output *output)
{
	output->fetched = flight_queue_pop(&output->to_fetch);
	ask_fetched(output);
}

static void
line_up(struct output *output, struct flight *flight)
{
	if (!flight->lined_up)
		flight_queue_push(&output->to_fetch, flight);
	flight->lined_up = true;
	if (!output->fetched)
		fetch_next(output);
}

/* It has not ended: chunks of it go to the disk, so that it holds up nobody. */
void
output_offered(struct output *output, struct flight *flight)
{
	if (flight->fetching)
		return;
	flight->fetching = true;
	if (!output->options.by_line)
		ask(output, flight, RUNNING_WINDOW);
}

/* The file goes when nothing is left in it, or nothing came into it. */
static void
forget_taken(struct flight *flight)
{
	if (!flight->held || flight->held_at < pieces_end(flight->held))
		return;
	pieces_free(flight->held);
	flight->held = NULL;
}

/* Keeps a chunk until its flight is the one that is fetched. Where the disk has no room it stays in
 * memory; no more is asked for then, and the flight gets in line though it runs: its executor could
 * wait for ever. */
static void
hold(struct output *output, struct flight *flight, int i, const char *data, size_t len)
{
	bool full = flight->bytes[0].len || flight->bytes[1].len;
	size_t added = 0;
	if (!flight->held && !full) {
		flight->held = pieces_new(output->options.tmpdir);
		flight->held_at = 0;
	}
	if (flight->held && !full)
		added = pieces_add(flight->held, i, data, len);
	forget_taken(flight);
	buf_append(&flight->bytes[i], data + added, len - added);
	if (added < len)
		line_up(output, flight);
}

static void
drop_held(struct flight *flight)
{
	pieces_free(flight->held);
	flight->held = NULL;
	buf_clear(&flight->bytes[0]);
	buf_clear(&flight->bytes[1]);
}

void
output_ended(struct output *output, struct flight *flight, const struct result *result)
{
	if (result->offered) {
		flight->fetching = true;
		if (!output->options.by_line)
			line_up(output, flight);
		return;
	}
	if (result->away) {
		keep_tail(flight, result->tail, result->tail_len);
		complete(output, flight);
		return;
	}
	keep_tail(flight, result->err, result->err_bytes);
	if (!output->fetched || output->options.by_line) {
		put(output, flight, 0, result->out, result->out_bytes);
		put(output, flight, 1, result->err, result->err_bytes);
		complete(output, flight);
		return;
	}
	buf_append(&flight->bytes[0], result->out, result->out_bytes);
	buf_append(&flight->bytes[1], result->err, result->err_bytes);
	output->waiting_bytes += result->out_bytes + result->err_bytes;
	flight_queue_push(&output->waiting, flight);
}

static void
return_credit(struct output *output, struct flight *flight)
{
	if (takes_more(output)) {
		output->options.credit(output->options.arg, flight, 1);
		return;
	}
	if (!flight->owed++)
		flight_queue_push(&output->owing, flight);
}

static void
take_chunk(struct output *output, struct flight *flight, int i, const char *data, size_t len)
{
	if (!flight->asked)
		return;
	flight->asked--;
	if (!output->failed && flight == output->fetched && !is_held(flight))
		put(output, flight, i, data, len);
	else if (!output->failed)
		hold(output, flight, i, data, len);
	if (!flight->lined_up)
		ask(output, flight, RUNNING_WINDOW);
}

void
output_chunk(struct output *output, struct flight *flight, int stream, const char *data, size_t len)
{
	bool by_line = output->options.by_line;
	if (!flight->fetching && !by_line)
		return;
	if (stream == 2)
		keep_tail(flight, data, len);
	if (by_line) {
		put_lines(output, flight, stream - 1, data, len);
		return_credit(output, flight);
	} else {
		take_chunk(output, flight, stream - 1, data, len);
	}
}

/* Those that rode meanwhile. */
static void
release_waiting(struct output *output)
{
	struct flight *waiting;
	while ((waiting = flight_queue_pop(&output->waiting))) {
		for (int i = 0; i < 2; i++) {
			put(output, waiting, i, waiting->bytes[i].data, waiting->bytes[i].len);
			buf_clear(&waiting->bytes[i]);
		}
		complete(output, waiting);
	}
	output->waiting_bytes = 0;
}

/* The one that is being fetched is through once all of it has come and was put. */
static void
end_fetch(struct output *output)
{
	struct flight *flight = output->fetched;
	if (!flight || flight->fetching || is_held(flight))
		return;
	output->fetched = NULL;
	complete(output, flight);
	release_waiting(output);
	fetch_next(output);
}

void
output_fetched(struct output *output, struct flight *flight)
{
	if (!flight->fetching)
		return;
	flight->fetching = false;
	if (output->options.by_line) {
		complete(output, flight);
	} else if (flight == output->fetched) {
		end_fetch(output);
	} else if (!is_held(flight) && flight_queue_remove(&output->to_fetch, flight)) {
		flight_queue_push(&output->waiting, flight); /* nothing of it will ever come */
		if (!output->fetched)
			release_waiting(output);
	}
}

/* --- writing --- */

/* Puts what has waited for its turn; true if there was something. */
static bool
take_turns(struct output *output)
{
	struct order *order = output->options.order;
	struct buf *to[2] = {&output->outlets[0].buf, &output->outlets[1].buf};
	bool any = false;
	int got = 1;
	while (order && got > 0 && !output->failed && to[0]->len + to[1]->len < BUFFERED_BYTES) {
		size_t before[2] = {to[0]->len, to[1]->len};
		struct err err;
		got = order_take(order, to, &err);
		for (int i = 0; i < 2; i++)
			outlet_appended(&output->outlets[i], to[i]->len - before[i]);
		any = any || got > 0;
		if (got < 0)
			give_up(output, &err);
	}
	return any;
}

/* Puts the next piece of what was held, or what the disk had no room for. */
static void
put_piece(struct output *output, struct flight *flight)
{
	struct buf *to[2] = {&output->pieces[0], &output->pieces[1]};
	struct err err;
	if (!flight->held) {
		to[0] = &flight->bytes[0];
		to[1] = &flight->bytes[1];
	} else if (pieces_take(flight->held, &flight->held_at, to) < 0) {
		err_set_errno(&err, "cannot read back what a task has printed");
		give_up(output, &err);
	}
	forget_taken(flight);
	for (int i = 0; i < 2; i++) {
		put(output, flight, i, to[i]->data, to[i]->len);
		buf_consume(to[i], to[i]->len);
	}
}

/* Puts what is here of the one that is being fetched; true if there was something. */
static bool
put_held(struct output *output)
{
	struct flight *flight = output->fetched;
	if (!flight || !is_held(flight))
		return false;
	bool any = false;
	for (int i = 0; i < PIECES_AT_ONCE && is_held(flight) && !output->failed; i++) {
		if (!takes_more(output))
			return any;
		put_piece(output, flight);
		any = true;
	}
	if (output->failed)
		drop_held(flight);
	end_fetch(output);
	return true;
}

void
output_close(struct output *output)
{
	struct order *order = output->options.order;
	while (order && order_holds(order) && !output->failed &&
		output_backlog(output) < BUFFERED_BYTES)
		if (!take_turns(output))
			order_passed(order);
}

static void
write_sink(struct output *output, int i)
{
	struct err err;
	struct outlet *outlet = &output->outlets[i];
	if (outlet->terminal && outlet_left(outlet) && output->options.before)
		output->options.before(output->options.arg);
	if (outlet_write(outlet) == 0)
		return;
	output->reader_gone = errno == EPIPE;
	err_set_errno(&err, "cannot write the standard %s of tasks", i ? "error" : "output");
	give_up(output, &err);
}

static void
pay_credit(struct output *output)
{
	struct flight *flight;
	while (takes_more(output) && (flight = flight_queue_pop(&output->owing))) {
		output->options.credit(output->options.arg, flight, flight->owed);
		flight->owed = 0;
	}
}

int
output_write(struct output *output, struct err *err)
{
	output->more = true;
	for (int rounds = 0; output->more && rounds < TURNS_AT_ONCE; rounds++) {
		for (int i = 0; i < 2 && !output->failed; i++)
			write_sink(output, i);
		bool held = put_held(output);
		output->more = take_turns(output) || held;
	}
	ask_fetched(output);
	pay_credit(output);
	if (output->failed && err)
		*err = output->failure;
	return output->failed ? -1 : 0;
}

bool
output_spool_failed(const struct output *output, struct err *err)
{
	if (output->spool_failed)
		*err = output->spool_failure;
	return output->spool_failed;
}

bool
output_has_more(const struct output *output)
{
	return output->more;
}

bool
output_is_closed(const struct output *output)
{
	return output->reader_gone;
}

void
output_abandon(struct output *output)
{
	struct err err;
	for (int i = 0; i < 2; i++) {
		if (!output->outlets[i].blocked || output->failed)
			continue;
		err_set(&err, "standard %s is not read", i ? "error" : "output");
		give_up(output, &err);
		output->reader_gone = true;
	}
}

struct flight *
output_next_done(struct output *output)
{
	const struct flight *first = output->done.first;
	for (int i = 0; first && i < 2; i++)
		if (first->out_position[i] > outlet_written(&output->outlets[i]))
			return NULL;
	return flight_queue_pop(&output->done);
}

size_t
output_backlog(const struct output *output)
{
	return output->waiting_bytes + outlet_left(&output->outlets[0]) +
	       outlet_left(&output->outlets[1]);
}

bool
output_is_fetching(const struct output *output)
{
	const struct flight *fetched = output->fetched;
	return fetched && fetched->ended && fetched->fetching;
}

bool
output_holds(const struct output *output)
{
	return output->options.order && order_holds(output->options.order);
}

bool
output_in_line(const struct output *output)
{
	bool in_line = false;
	for (int i = 0; i < 2; i++)
		in_line = in_line || (output->outlets[i].terminal && output->outlets[i].in_line);
	return in_line;
}

int
output_wants(const struct output *output, int i)
{
	const struct outlet *outlet = &output->outlets[i];
	return outlet->blocked && !output->failed ? outlet->fd : -1;
}
