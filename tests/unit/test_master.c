/* What the master keeps and says, piece by piece: flights, outputs, members, messages, CONFIG,
 * snapshots. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/pack.h"
#include "comm/config.h"
#include "comm/inmem.h"
#include "comm/message.h"
#include "comm/transport.h"
#include "master/flights.h"
#include "master/master.h"
#include "master/members.h"
#include "master/options.h"
#include "master/output.h"
#include "master/receive.h"
#include "run/journal.h"
#include "run/status.h"
#include "tasks/source.h"
#include "tasks/task.h"

#include "scratch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static unsigned int seed; /* `test_master SEED` repeats a run */

static size_t
below(size_t n)
{
	return (size_t)rand_r(&seed) % n;
}

static char *
random_bytes(size_t size)
{
	char *bytes = test_malloc(size + 1);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)rand_r(&seed);
	return bytes;
}

/* --- flights --- */

static struct flight *
fly(struct flights *flights, uint64_t index)
{
	return flights_add(flights, task_new(&(struct task){.index = index}), (int)(index % 7));
}

enum { INDICES = 3000 };

static void
check_flights(const struct flights *flights, struct flight *const *model, uint64_t stride)
{
	size_t count = 0, at = 0, seen = 0;
	for (uint64_t i = 0; i < INDICES; i++) {
		count += model[i] != NULL;
		assert_ptr_equal(flights_find(flights, i * stride), model[i]);
	}
	assert_int_equal(flights_count(flights), count);
	struct flight *flight;
	while ((flight = flights_next(flights, &at))) {
		assert_ptr_equal(model[flight->task->index / stride], flight);
		seen++;
	}
	assert_int_equal(seen, count);
}

static void
flights_are_found(void **state)
{
	(void)state;
	static const uint64_t strides[] = {
		1, 256, UINT64_C(1) << 20, UINT64_C(1) << 44, 12345678901};
	for (size_t s = 0; s < sizeof(strides) / sizeof(strides[0]); s++) {
		struct flight *model[INDICES] = {0};
		struct flights *flights = flights_new();
		for (int step = 0; step < 30000; step++) {
			size_t i = below(step % 10000 < 5000 ? INDICES : INDICES / 20);
			if (!model[i]) {
				model[i] = fly(flights, i * strides[s]);
				assert_int_equal(model[i]->worker, (int)(i * strides[s] % 7));
				assert_false(model[i]->running || model[i]->ended);
			} else {
				struct task *task = model[i]->task;
				bool keep = below(2);
				flights_remove(flights, model[i], keep);
				model[i] = NULL;
				if (keep)
					task_free(task);
			}
			if (step % 1000 == 0)
				check_flights(flights, model, strides[s]);
		}
		check_flights(flights, model, strides[s]);
		flights_free(flights);
	}
	flights_free(NULL);
}

static void
flight_queues_keep_their_order(void **state)
{
	(void)state;
	struct flight flights[20] = {0}, *model[20];
	struct flight_queue queue = {0};
	size_t count = 0;
	for (int step = 0; step < 20000; step++) {
		size_t i = below(20), at = 0;
		while (at < count && model[at] != &flights[i])
			at++;
		if (at < count && below(2)) {
			assert_true(flight_queue_remove(&queue, &flights[i]));
			memmove(model + at, model + at + 1, (--count - at) * sizeof(model[0]));
		} else if (at == count) {
			assert_false(flight_queue_remove(&queue, &flights[i]));
			flight_queue_push(&queue, &flights[i]);
			model[count++] = &flights[i];
		} else {
			assert_ptr_equal(flight_queue_pop(&queue), model[0]);
			memmove(model, model + 1, --count * sizeof(model[0]));
		}
		assert_ptr_equal(queue.first, count ? model[0] : NULL);
		assert_ptr_equal(queue.last, count ? model[count - 1] : NULL);
	}
	while (count--)
		assert_non_null(flight_queue_pop(&queue));
	assert_null(flight_queue_pop(&queue));
}

/* --- output --- */

enum { FLIGHTS = 8 };

struct sink {
	int ends[2];
	struct buf read;
};

struct rig {
	struct sink sinks[2];
	struct output *output;
	struct flights *all;
	struct flight *flights[FLIGHTS];
	uint32_t credits[FLIGHTS]; /* chunks asked for and not sent */
};

static void
on_credit(void *arg, struct flight *flight, uint32_t chunks)
{
	struct rig *rig = arg;
	assert_in_range(chunks, 1, 1000);
	rig->credits[flight->task->index] += chunks;
}

static int
rig_new(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	for (int i = 0; i < 2; i++) {
		if (pipe2(rig->sinks[i].ends, O_CLOEXEC) < 0)
			return -1;
		fcntl(rig->sinks[i].ends[0], F_SETFL,
			O_NONBLOCK); /* ours; the writing end blocks */
	}
	rig->output = output_new(
		&(struct output_options){.fds = {rig->sinks[0].ends[1], rig->sinks[1].ends[1]},
			.tmpdir = scratch_path,
			.credit = on_credit,
			.arg = rig});
	rig->all = flights_new();
	for (uint64_t i = 0; i < FLIGHTS; i++)
		rig->flights[i] = fly(rig->all, i);
	*state = rig;
	alarm(60); /* a write that blocks ends here */
	return 0;
}

static int
rig_free(void **state)
{
	struct rig *rig = *state;
	alarm(0);
	output_free(rig->output);
	flights_free(rig->all);
	for (int i = 0; i < 2; i++) {
		close(rig->sinks[i].ends[0]);
		close(rig->sinks[i].ends[1]);
		buf_clear(&rig->sinks[i].read);
	}
	free(rig);
	return 0;
}

/* Takes up to SIZE bytes out of the pipe; false if there were none. */
static bool
read_sink(struct rig *rig, int i, size_t size)
{
	char *room = buf_room(&rig->sinks[i].read, size);
	ssize_t got = read(rig->sinks[i].ends[0], room, size);
	if (got > 0)
		buf_added(&rig->sinks[i].read, (size_t)got);
	return got > 0;
}

/* Writes and reads until nothing is left. */
static void
write_all(struct rig *rig)
{
	bool some = true;
	while (some) {
		assert_int_equal(output_write(rig->output, NULL), 0);
		some = read_sink(rig, 0, 1 << 20);
		some = read_sink(rig, 1, 1 << 20) || some;
	}
}

static void
assert_written(struct rig *rig, int i, const char *text)
{
	assert_int_equal(rig->sinks[i].read.len, strlen(text));
	if (text[0])
		assert_memory_equal(rig->sinks[i].read.data, text, strlen(text));
}

/* As its result says, with these bytes. */
static void
end_flight(struct output *output, struct flight *flight, const char *out, const char *err)
{
	struct result result = flight->result;
	result.out = out;
	result.err = err;
	flight->ended = true;
	output_ended(output, flight, &result);
}

static void
end_with(struct rig *rig, int i, const char *out, const char *err)
{
	rig->flights[i]->result =
		(struct result){.out_bytes = strlen(out), .err_bytes = strlen(err)};
	end_flight(rig->output, rig->flights[i], out, err);
}

static void
end_offered(struct rig *rig, int i)
{
	rig->flights[i]->result = (struct result){.offered = true};
	end_flight(rig->output, rig->flights[i], NULL, NULL);
}

static void
chunk(struct rig *rig, int i, int stream, const char *text)
{
	assert_true(rig->credits[i] > 0);
	rig->credits[i]--;
	output_chunk(rig->output, rig->flights[i], stream, text, strlen(text));
}

/* The numbers of those that are done now, as a text: "0 2 ". */
static const char *
done(struct rig *rig)
{
	static char text[64];
	struct flight *flight;
	text[0] = '\0';
	while ((flight = output_next_done(rig->output)))
		sprintf(text + strlen(text), "%d ", (int)flight->task->index);
	return text;
}

static void
outputs_appear_as_they_come(void **state)
{
	struct rig *rig = *state;
	end_with(rig, 2, "two\n", "");
	assert_string_equal(done(rig), ""); /* not written yet */
	assert_int_equal(output_backlog(rig->output), 4);
	end_with(rig, 0, "zero\n", "E0\n");
	end_with(rig, 1, "", "");
	write_all(rig);
	assert_string_equal(done(rig), "2 0 1 ");
	assert_written(rig, 0, "two\nzero\n");
	assert_written(rig, 1, "E0\n");
	assert_int_equal(output_backlog(rig->output), 0);
	end_with(rig, 3, "", "");
	assert_string_equal(done(rig), "3 "); /* nothing to wait for */
	assert_memory_equal(rig->flights[0]->tail.data, "E0\n", 3);
}

static void
fetched_output_keeps_others_waiting(void **state)
{
	struct rig *rig = *state;
	end_offered(rig, 0);
	assert_true(output_is_fetching(rig->output));
	chunk(rig, 0, 1, "0a ");
	end_with(rig, 1, "one ", "E1 ");
	end_offered(rig, 2);
	assert_int_equal(rig->credits[2], 0);
	write_all(rig);
	assert_written(rig, 0, "0a ");
	assert_int_equal(output_backlog(rig->output), 7);
	chunk(rig, 0, 2, "E0 ");
	chunk(rig, 0, 1, "0b ");
	write_all(rig);
	assert_string_equal(done(rig), "");
	output_fetched(rig->output, rig->flights[0]);
	assert_true(rig->credits[2] > 0);
	end_with(rig, 3, "three ", "");
	chunk(rig, 2, 1, "2a ");
	write_all(rig);
	assert_string_equal(done(rig), "0 1 ");
	assert_written(rig, 0, "0a 0b one 2a ");
	assert_written(rig, 1, "E0 E1 ");
	output_fetched(rig->output, rig->flights[2]);
	assert_false(output_is_fetching(rig->output));
	write_all(rig);
	assert_string_equal(done(rig), "2 3 ");
	assert_written(rig, 0, "0a 0b one 2a three ");
}

/* While it runs: its end does not queue it a second time. */
static void
output_is_fetched_while_it_runs(void **state)
{
	struct rig *rig = *state;
	output_offered(rig->output, rig->flights[0]);
	output_offered(rig->output, rig->flights[1]);
	chunk(rig, 0, 1, "0a ");
	end_offered(rig, 0);
	end_offered(rig, 1);
	chunk(rig, 0, 1, "0b ");
	output_fetched(rig->output, rig->flights[0]);
	chunk(rig, 1, 1, "1a ");
	output_fetched(rig->output, rig->flights[1]);
	assert_false(output_is_fetching(rig->output));
	write_all(rig);
	assert_string_equal(done(rig), "0 1 ");
	assert_written(rig, 0, "0a 0b 1a ");
}

/* What runs and has printed more than its slot can keep is fetched, but not shown before its end;
 * what ends meanwhile is through at once. */
static void
running_outputs_hold_up_nobody(void **state)
{
	struct rig *rig = *state;
	output_offered(rig->output, rig->flights[0]);
	output_offered(rig->output, rig->flights[1]);
	for (int i = 0; i < 100; i++) {
		chunk(rig, 0, 1, "0a ");
		chunk(rig, 1, 1, "1a ");
		chunk(rig, 1, 2, "E1 ");
		assert_in_range(rig->credits[0], 1, 4);
		assert_in_range(rig->credits[1], 1, 4);
		write_all(rig);
	}
	assert_false(output_is_fetching(rig->output));
	assert_int_equal(output_backlog(rig->output), 0);
	end_with(rig, 2, "two ", "E2 ");
	end_offered(rig, 3);
	chunk(rig, 3, 1, "3a ");
	output_fetched(rig->output, rig->flights[3]);
	write_all(rig);
	assert_string_equal(done(rig), "2 3 ");
	assert_written(rig, 0, "two 3a ");
	assert_written(rig, 1, "E2 ");

	char expected[400] = "two 3a ";
	for (int i = 0; i < 100; i++)
		strcat(expected, "1a ");
	end_offered(rig, 1); /* one more of it is on its way */
	assert_true(output_is_fetching(rig->output));
	chunk(rig, 1, 1, "1b ");
	strcat(expected, "1b ");
	write_all(rig);
	assert_written(rig, 0, expected);
	chunk(rig, 1, 1, "1c ");
	output_fetched(rig->output, rig->flights[1]);
	write_all(rig);
	strcat(expected, "1c ");
	assert_written(rig, 0, expected);
	assert_string_equal(done(rig), "1 ");
	assert_memory_equal(rig->flights[1]->tail.data, "E1 E1 E1 ", 9);
}

/* All of it came while another was fetched. */
static void
held_output_has_its_turn(void **state)
{
	struct rig *rig = *state;
	output_offered(rig->output, rig->flights[0]);
	chunk(rig, 0, 1, "0a ");
	end_offered(rig, 1);
	end_offered(rig, 0);
	chunk(rig, 0, 1, "0b ");
	output_fetched(rig->output, rig->flights[0]);
	end_with(rig, 2, "two ", "");
	chunk(rig, 1, 1, "1a ");
	write_all(rig);
	assert_written(rig, 0, "1a ");
	output_fetched(rig->output, rig->flights[1]);
	write_all(rig);
	assert_string_equal(done(rig), "1 2 0 ");
	assert_written(rig, 0, "1a two 0a 0b ");
}

/* Without room on the disk its task could wait for ever: so it is shown while it runs, and the
 * others wait, as do others like it. */
static void
running_output_that_the_disk_cannot_hold(void **state)
{
	struct rig *rig = *state;
	output_free(rig->output);
	rig->output = output_new(
		&(struct output_options){.fds = {rig->sinks[0].ends[1], rig->sinks[1].ends[1]},
			.tmpdir = "/no/such/dir",
			.credit = on_credit,
			.arg = rig});
	output_offered(rig->output, rig->flights[0]);
	output_offered(rig->output, rig->flights[1]);
	chunk(rig, 0, 1, "0a ");
	chunk(rig, 0, 1, "0b ");
	chunk(rig, 1, 1, "1a ");
	chunk(rig, 1, 1, "1b ");
	assert_int_equal(rig->credits[1], 0);
	write_all(rig);
	assert_written(rig, 0, "0a 0b ");
	assert_true(rig->credits[0] > 0);
	assert_false(output_is_fetching(rig->output)); /* nobody knows when more will come */
	chunk(rig, 0, 1, "0c ");
	end_with(rig, 2, "two ", "");
	end_offered(rig, 0);
	chunk(rig, 0, 1, "0d ");
	output_fetched(rig->output, rig->flights[0]);
	write_all(rig);
	assert_string_equal(done(rig), "0 2 ");
	assert_written(rig, 0, "0a 0b 0c 0d two 1a 1b ");
	assert_true(rig->credits[1] > 0);
	chunk(rig, 1, 1, "1c ");
	end_offered(rig, 1);
	output_fetched(rig->output, rig->flights[1]);
	write_all(rig);
	assert_string_equal(done(rig), "1 ");
	assert_written(rig, 0, "0a 0b 0c 0d two 1a 1b 1c ");
}

/* The disk has room for nothing, for some, for a part of a chunk. */
static void
running_output_fills_the_disk(void **state)
{
	struct rig *rig = *state;
	static const rlim_t limits[] = {0, 50, 65544, 100000, 200000};
	enum { CHUNKS = 12, BYTES = 65536 };
	char *bytes = random_bytes((size_t)CHUNKS * BYTES);
	struct rlimit before;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	for (int i = 0; i < 5; i++) {
		struct rlimit limit = {.rlim_cur = limits[i], .rlim_max = before.rlim_max};
		struct buf *read = &rig->sinks[0].read;
		output_offered(rig->output, rig->flights[i]);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		for (int n = 0; n < CHUNKS; n++) {
			assert_true(rig->credits[i] > 0);
			rig->credits[i]--;
			output_chunk(
				rig->output, rig->flights[i], 1, bytes + (size_t)n * BYTES, BYTES);
			write_all(rig);
		}
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
		end_offered(rig, i);
		output_fetched(rig->output, rig->flights[i]);
		write_all(rig);
		assert_int_equal(read->len, CHUNKS * BYTES);
		assert_memory_equal(read->data, bytes, read->len);
		buf_consume(read, read->len);
	}
	assert_string_equal(done(rig), "0 1 2 3 4 ");
	test_free(bytes);
}

/* More than memory may hold, and than one turn writes. */
static void
large_held_output_is_whole(void **state)
{
	struct rig *rig = *state;
	enum { CHUNKS = 1500, BYTES = 65536 };
	char *bytes = random_bytes(BYTES);
	output_offered(rig->output, rig->flights[0]);
	for (int i = 0; i < CHUNKS; i++) {
		assert_true(rig->credits[0] > 0);
		rig->credits[0]--;
		memcpy(bytes, &i, sizeof(i));
		output_chunk(rig->output, rig->flights[0], 1, bytes, BYTES);
		assert_int_equal(output_backlog(rig->output), 0);
	}
	end_offered(rig, 0);
	output_fetched(rig->output, rig->flights[0]);
	for (int i = 0; i < CHUNKS; i++) {
		struct buf *read = &rig->sinks[0].read;
		while (read->len < BYTES) {
			assert_int_equal(output_write(rig->output, NULL), 0);
			assert_in_range(output_backlog(rig->output), 0, 2 << 20);
			assert_true(read_sink(rig, 0, BYTES));
		}
		memcpy(bytes, &i, sizeof(i));
		assert_memory_equal(read->data, bytes, BYTES);
		buf_consume(read, BYTES);
	}
	write_all(rig);
	assert_string_equal(done(rig), "0 ");
	assert_int_equal(rig->sinks[0].read.len, 0);
	test_free(bytes);
}

/* A worker that is lost: what waits to be fetched from it, and what is being fetched, goes on. */
static void
lost_outputs_hold_nobody_up(void **state)
{
	struct rig *rig = *state;
	end_offered(rig, 0);
	chunk(rig, 0, 1, "0a ");
	end_offered(rig, 1);
	end_offered(rig, 2);
	end_with(rig, 3, "three ", "");
	output_fetched(rig->output, rig->flights[1]); /* nothing of it will come */
	write_all(rig);
	assert_string_equal(done(rig), "");
	output_fetched(rig->output, rig->flights[0]); /* nor more of this one */
	write_all(rig);
	assert_string_equal(done(rig), "0 3 1 ");
	chunk(rig, 2, 1, "2a ");
	output_chunk(rig->output, rig->flights[1], 1, "late ", 5); /* not asked for */
	output_fetched(rig->output, rig->flights[2]);
	write_all(rig);
	assert_string_equal(done(rig), "2 ");
	assert_written(rig, 0, "0a three 2a ");
}

/* Too long to be kept whole, a line is broken, and goes on with its tag, where another task's
 * follows. */
static void
long_lines_do_not_run_into_others(void **state)
{
	struct rig *rig = *state;
	enum { LONG = 3 << 20 };
	char *xs = test_malloc(LONG);
	memset(xs, 'x', LONG);
	for (int tagged = 0; tagged < 2; tagged++) {
		output_free(rig->output);
		rig->output = output_new(&(struct output_options){
			.fds = {rig->sinks[0].ends[1], rig->sinks[1].ends[1]},
			.by_line = true,
			.credit = on_credit,
			.arg = rig});
		struct flight **flights = &rig->flights[2 * tagged];
		flights[0]->task->tag = tagged ? "A" : "";
		flights[1]->task->tag = tagged ? "B" : "";
		for (size_t at = 0; at < LONG; at += 16384) {
			output_chunk(rig->output, flights[0], 1, xs, 16384);
			if (at == LONG / 2)
				output_chunk(rig->output, flights[1], 1, "other\n", 6);
			write_all(rig);
		}
		end_flight(rig->output, flights[0], NULL, NULL);
		end_flight(rig->output, flights[1], NULL, NULL);
		struct buf *read = &rig->sinks[0].read;
		write_all(rig);
		*buf_room(read, 1) = '\0';
		const char *text = read->data,
			   *other = strstr(text, tagged ? "\nB\tother\n" : "\nother\n");
		assert_non_null(other);
		assert_memory_equal(text, tagged ? "A\tx" : "xxx", 3);
		assert_memory_equal(other + (tagged ? 9 : 7), tagged ? "A\tx" : "xxx", 3);
		assert_memory_equal(text + read->len - 2, "x\n", 3);
		size_t count = 0;
		for (size_t i = 0; i < read->len; i++)
			count += text[i] == 'x';
		assert_int_equal(count, LONG);
		buf_consume(read, read->len);
	}
	test_free(xs);
}

static void
credit_keeps_a_window(void **state)
{
	struct rig *rig = *state;
	char *bytes = random_bytes(65536);
	uint32_t sent = 0, most = 0;
	end_offered(rig, 0);
	for (int i = 0; i < 200; i++) {
		assert_true(rig->credits[0] > 0);
		most = rig->credits[0] > most ? rig->credits[0] : most;
		for (size_t n = 1 + below(rig->credits[0]); n > 0; n--, sent++) {
			rig->credits[0]--;
			output_chunk(rig->output, rig->flights[0], 1, bytes, 65536);
		}
		write_all(rig);
		while (rig->sinks[0].read.len)
			buf_consume(&rig->sinks[0].read, SIZE_MAX);
	}
	assert_in_range(most, 1, 16);
	assert_true(sent > 200);
	test_free(bytes);
}

/* A reader that sleeps: memory is bounded, and fetching goes on when it reads again. */
static void
slow_reader_stops_the_fetching(void **state)
{
	struct rig *rig = *state;
	char *bytes = random_bytes(65536);
	end_offered(rig, 0);
	int sent = 0;
	while (rig->credits[0]) {
		rig->credits[0]--;
		output_chunk(rig->output, rig->flights[0], 1, bytes, 65536);
		assert_int_equal(output_write(rig->output, NULL), 0);
		assert_in_range(++sent, 1, 1000);
	}
	assert_int_equal(output_wants(rig->output, 0), rig->sinks[0].ends[1]);
	assert_int_equal(output_wants(rig->output, 1), -1);
	assert_in_range(output_backlog(rig->output), 1 << 19, 4 << 20);
	write_all(rig);
	assert_true(rig->credits[0] > 0);
	assert_int_equal(output_wants(rig->output, 0), -1);
	assert_int_equal(rig->sinks[0].read.len, sent * 65536);
	test_free(bytes);
}

/* Outputs of random size, a pipe that takes little, a reader that takes at random. */
static void
full_pipe_never_blocks(void **state)
{
	struct rig *rig = *state;
	struct buf expected[2] = {{0}};
	char *bytes = random_bytes(100000);
	fcntl(rig->sinks[0].ends[1], F_SETPIPE_SZ, PIPE_BUF);
	int ended = 0, out = 0;
	for (int step = 0; out < FLIGHTS; step++) {
		assert_in_range(step, 0, 1000000);
		if (ended < FLIGHTS && below(20) == 0) {
			struct flight *flight = rig->flights[ended++];
			size_t sizes[2] = {below(100000), below(30000)};
			flight->result =
				(struct result){.out_bytes = sizes[0], .err_bytes = sizes[1]};
			end_flight(rig->output, flight, bytes, bytes);
			for (int i = 0; i < 2; i++)
				buf_append(&expected[i], bytes, sizes[i]);
		}
		assert_int_equal(output_write(rig->output, NULL), 0);
		read_sink(rig, 0, 1 + below(5000));
		read_sink(rig, 1, 1 + below(5000));
		struct flight *flight;
		while ((flight = output_next_done(rig->output))) {
			assert_int_equal(flight->task->index, out++);
			for (int i = 0; i < 2; i++) /* it is all in the pipe at least */
				assert_true(
					flight->out_position[i] <= rig->sinks[i].read.len + 65536);
		}
	}
	write_all(rig);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(rig->sinks[i].read.len, expected[i].len);
		assert_memory_equal(rig->sinks[i].read.data, expected[i].data, expected[i].len);
		buf_clear(&expected[i]);
	}
	test_free(bytes);
}

static void
tail_is_the_end_of_standard_error(void **state)
{
	struct rig *rig = *state;
	char text[3001];
	for (int i = 0; i < 3000; i++)
		text[i] = (char)('a' + i % 26);
	text[3000] = '\0';
	end_with(rig, 0, "out", text);
	assert_int_equal(rig->flights[0]->tail.len, 1024);
	assert_memory_equal(rig->flights[0]->tail.data, text + 3000 - 1024, 1024);
	end_offered(rig, 1);
	chunk(rig, 1, 2, text);
	chunk(rig, 1, 1, "out");
	chunk(rig, 1, 2, "last");
	assert_int_equal(rig->flights[1]->tail.len, 1024);
	assert_memory_equal(rig->flights[1]->tail.data + 1020, "last", 4);
	assert_memory_equal(rig->flights[1]->tail.data, text + 3000 - 1020, 1020);
}

static void
closed_pipe_is_reported(void **state)
{
	struct rig *rig = *state;
	struct err err;
	end_with(rig, 0, "text", "text");
	close(rig->sinks[0].ends[0]);
	rig->sinks[0].ends[0] = -1;
	assert_int_equal(output_write(rig->output, &err), -1);
	assert_non_null(strstr(err.text, "standard output"));
	assert_non_null(strstr(err.text, strerror(EPIPE)));
	assert_string_equal(done(rig), "");
	err.text[0] = '\0';
	end_with(rig, 1, "more", "");
	assert_int_equal(output_write(rig->output, &err), -1); /* again and again */
	assert_non_null(strstr(err.text, "standard output"));
	assert_int_equal(output_write(rig->output, NULL), -1);
	assert_int_equal(output_wants(rig->output, 0), -1);
	assert_int_equal(output_wants(rig->output, 1), -1);
}

/* A task whose output was not taken any more could not end: a run hung for ever. */
static void
outputs_are_taken_when_nobody_reads(void **state)
{
	struct rig *rig = *state;
	char *bytes = random_bytes(65536);
	close(rig->sinks[0].ends[0]);
	rig->sinks[0].ends[0] = -1;
	end_offered(rig, 0);
	for (int i = 0; i < 100; i++) {
		assert_true(rig->credits[0] > 0);
		rig->credits[0]--;
		output_chunk(rig->output, rig->flights[0], 1, bytes, 65536);
		assert_int_equal(output_write(rig->output, NULL), -1);
	}
	assert_in_range(output_backlog(rig->output), 1, 1 << 20);
	output_fetched(rig->output, rig->flights[0]);
	end_with(rig, 1, "more", "");
	assert_int_equal(output_write(rig->output, NULL), -1);
	assert_string_equal(done(rig), "");
	test_free(bytes);
}

/* An interrupt or a lost rank, while what has come whole still waits for a slow reader. */
static void
outputs_are_done_once(void **state)
{
	struct rig *rig = *state;
	output_free(rig->output);
	rig->output = output_new(
		&(struct output_options){.fds = {rig->sinks[0].ends[1], rig->sinks[1].ends[1]},
			.by_line = true,
			.credit = on_credit,
			.arg = rig});
	for (int i = 0; i < 3; i++) {
		end_offered(rig, i);
		output_chunk(rig->output, rig->flights[i], 1, "line\n", 5);
		output_fetched(rig->output, rig->flights[i]);
		assert_false(rig->flights[i]->fetching);
	}
	output_fetched(rig->output, rig->flights[0]);
	write_all(rig);
	assert_string_equal(done(rig), "0 1 2 ");
}

static void
full_disk_is_reported(void **state)
{
	(void)state;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	if (full < 0)
		skip();
	struct output *output = output_new(&(struct output_options){.fds = {1, full}});
	struct flights *flights = flights_new();
	struct flight *flight = fly(flights, 1);
	struct err err;
	flight->result = (struct result){.err_bytes = 4};
	end_flight(output, flight, NULL, "text");
	assert_int_equal(output_write(output, &err), -1);
	assert_non_null(strstr(err.text, "standard error"));
	assert_non_null(strstr(err.text, strerror(ENOSPC)));
	assert_null(output_next_done(output));
	output_free(output);
	output_free(NULL);
	flights_free(flights);
	close(full);
}

static void
files_take_everything_at_once(void **state)
{
	(void)state;
	FILE *file = tmpfile();
	assert_non_null(file);
	int fd = fileno(file);
	struct output *output = output_new(&(struct output_options){.fds = {fd, fd}});
	struct flights *flights = flights_new();
	struct flight *flight = fly(flights, 1);
	char *bytes = random_bytes(3000000), *back = test_malloc(3000000);
	flight->result = (struct result){.out_bytes = 2999990, .err_bytes = 10};
	end_flight(output, flight, bytes, bytes + 2999990);
	assert_int_equal(output_write(output, NULL), 0);
	assert_ptr_equal(output_next_done(output), flight);
	assert_int_equal(pread(fd, back, 3000000, 0), 3000000);
	assert_memory_equal(back, bytes, 3000000);
	test_free(bytes);
	test_free(back);
	output_free(output);
	flights_free(flights);
	fclose(file);
}

/* --- members --- */

static struct hello
hello_of(
	const char *host, const char *boot_id, uint32_t nslots, uint16_t cores, uint32_t host_cores)
{
	struct hello hello = {
		.nslots = nslots, .offer = {.cores = cores}, .host_cores = host_cores};
	snprintf(hello.host, sizeof(hello.host), "%s", host);
	snprintf(hello.boot_id, sizeof(hello.boot_id), "%s", boot_id);
	hello.slots = calloc(nslots ? nslots : 1, sizeof(*hello.slots));
	for (uint32_t i = 0; i < nslots; i++)
		hello.slots[i].number = 10 + i;
	return hello;
}

static void
members_are_counted_by_host(void **state)
{
	(void)state;
	struct hello hellos[] = {
		hello_of("a", "1", 0, 1, 8), /* rank 0 that only dispatches */
		hello_of("a", "1", 3, 2, 8),
		hello_of("b", "2", 4, 1, 16),
		hello_of("a", "1", 1, 2, 8),
		hello_of("a", "3", 1, 1, 4), /* another container, or machine, of that name */
		hello_of("c", "4", 0, 1, 2),
	};
	enum { PEERS = sizeof(hellos) / sizeof(hellos[0]) };
	struct members members;
	int usable, leased;
	members_init(&members, PEERS);
	assert_false(members_have_slots(&members));
	assert_int_equal(members.hosts, 0);
	for (int i = 0; i < PEERS; i++) {
		int peer = (i * 5 + 3) % PEERS;
		assert_null(members_of_peer(&members, peer));
		struct message_link link = {.worker = (uint32_t)peer};
		assert_int_equal(members_add(&members, peer, &hellos[i], &link), i);
		struct member *member = members_of_peer(&members, peer);
		assert_ptr_equal(member, &members.list[i]);
		assert_int_equal(member->peer, peer);
		assert_int_equal(member->link.worker, peer);
		assert_int_equal(member->open_slots, member->hello.nslots);
		assert_null(hellos[i].slots);
		assert_false(member->lost || member->bye);
		for (uint32_t k = 0; k < member->hello.nslots; k++) {
			assert_int_equal(member->slots[k].number, 10 + k);
			assert_string_equal(member->slots[k].cores, "");
		}
		assert_int_equal(members_have_slots(&members), i > 0);
	}
	assert_int_equal(members.hosts, 3);
	members_cores(&members, &usable, &leased);
	assert_int_equal(usable, 8 + 16 + 4 + 2);
	assert_int_equal(leased, 3 * 2 + 4 + 2 + 1);
	members_clear(&members);
}

static void
members_without_slots_are_noticed(void **state)
{
	(void)state;
	struct members members;
	struct hello one = hello_of("a", "1", 2, 1, 8), two = hello_of("b", "2", 1, 1, 8);
	members_init(&members, 2);
	members_add(&members, 0, &one, &(struct message_link){0});
	members_add(&members, 1, &two, &(struct message_link){0});
	members.list[1].lost = true;
	assert_true(members_have_slots(&members));
	members.list[0].slots[0].closed = true;
	assert_true(members_have_slots(&members));
	members.list[0].slots[1].down = true; /* it will be back */
	assert_true(members_have_slots(&members));
	members.list[0].slots[1].closed = true;
	assert_false(members_have_slots(&members));
	members.list[1].lost = false;
	assert_true(members_have_slots(&members));
	members_clear(&members);
}

static void
many_members_have_their_places(void **state)
{
	(void)state;
	enum { PEERS = 1000 };
	struct members members;
	char host[32];
	members_init(&members, PEERS);
	for (int i = 0; i < PEERS; i++) {
		snprintf(host, sizeof(host), "host%d", i / 10);
		struct hello hello = hello_of(host, "x", 1, 1, 10);
		members_add(&members, PEERS - 1 - i, &hello, &(struct message_link){0});
	}
	for (int i = 0; i < PEERS; i++)
		assert_int_equal(members_of_peer(&members, i)->peer, i);
	assert_int_equal(members.hosts, PEERS / 10);
	members_clear(&members);
}

/* --- messages --- */

static void
messages_carry_their_head(void **state)
{
	(void)state;
	struct inmem *hub = inmem_new(2);
	struct transport *from = inmem_endpoint(hub, 1), *to = inmem_endpoint(hub, 0);
	struct message_link link = {.transport = from, .session = 0xfeedbeef, .worker = 41};
	for (int type = 1; type < MESSAGE_TYPES; type++) {
		struct buf *buf = message_begin(&link, (enum message_type)type);
		for (int i = 0; i < type * 100; i++)
			pack_u8(buf, (uint8_t)i);
		message_send(&link, 0);
	}
	int peer;
	const void *data;
	size_t len;
	for (int type = 1; type < MESSAGE_TYPES; type++) {
		assert_int_equal(transport_receive(to, &peer, &data, &len), TRANSPORT_MESSAGE);
		struct message_head head;
		struct unpack in;
		struct err err;
		assert_int_equal(message_parse(data, len, &head, &in, &err), 0);
		assert_int_equal(head.type, type);
		assert_int_equal(head.session, 0xfeedbeef);
		assert_int_equal(head.worker, 41);
		assert_int_equal(head.sequence, type);
		assert_int_equal(in.left, type * 100);
		assert_non_null(message_names[type]);
		assert_int_equal(message_to_master(head.type), type >= MESSAGE_HELLO);
	}
	assert_int_equal(transport_receive(to, &peer, &data, &len), TRANSPORT_NOTHING);
	transport_close(from, TRANSPORT_DRAIN);
	transport_close(to, TRANSPORT_DRAIN);
	buf_clear(&link.buf);
}

/* One message as bytes, by way of a transport that keeps them. */
struct keeping {
	struct transport transport;
	struct buf bytes;
};

static void
keep_sent(struct transport *transport, int peer, const void *data, size_t len)
{
	assert_int_equal(peer, 0);
	buf_append(&((struct keeping *)transport)->bytes, data, len);
}

static const struct transport_ops keeping_ops = {.send = keep_sent};

/* A copy in a block of its own size, so that a read beyond its end is noticed. */
static char *
copy_of(const void *bytes, size_t len)
{
	char *copy = test_malloc(len + !len);
	memcpy(copy, bytes, len);
	return copy;
}

static bool
parses(const void *bytes, size_t len, struct err *err)
{
	char *copy = copy_of(bytes, len);
	struct message_head head;
	struct unpack in;
	bool good = message_parse(copy, len, &head, &in, err) == 0;
	test_free(copy);
	return good;
}

static void
damaged_messages_are_refused(void **state)
{
	(void)state;
	struct keeping keeping = {.transport = {.ops = &keeping_ops}};
	struct message_link link = {.transport = &keeping.transport, .session = 1, .worker = 2};
	pack_string(message_begin(&link, MESSAGE_KILL), "some payload");
	message_send(&link, 0);
	struct buf *bytes = &keeping.bytes;
	struct err err;
	assert_true(parses(bytes->data, bytes->len, &err));
	for (size_t len = 0; len < bytes->len; len++) {
		err.text[0] = '\0';
		assert_false(parses(bytes->data, len, &err));
		assert_non_null(strstr(err.text, "cut short"));
	}
	buf_append(bytes, "x", 1);
	assert_false(parses(bytes->data, bytes->len, &err));
	bytes->len--;
	static const unsigned char types[] = {0, MESSAGE_TYPES, 255};
	for (int i = 0; i < 3; i++) {
		char type = bytes->data[0];
		bytes->data[0] = (char)types[i];
		assert_false(parses(bytes->data, bytes->len, &err));
		assert_non_null(strstr(err.text, "unknown"));
		bytes->data[0] = type;
	}
	bytes->data[1]++; /* another version */
	assert_false(parses(bytes->data, bytes->len, &err));
	buf_clear(bytes);
	buf_clear(&link.buf);
}

static struct hello
full_hello(void)
{
	struct hello hello = hello_of("node17.cluster", "0fc1-boot", 3, 4, 128);
	snprintf(hello.build, sizeof(hello.build), "mpbatch 1, Some MPI");
	hello.rank = 17;
	hello.unix_us = INT64_C(1700000000123456);
	hello.memory_mib = UINT64_C(1) << 33;
	hello.host_slots = 32;
	hello.withheld_cores = 7;
	hello.taken_cores = 5;
	hello.search_paths = UINT64_C(0xfedcba9876543210);
	hello.oversubscribed = true;
	hello.offer = (struct need){.cores = 4, .gpus = 2, .memory_mib = 4000};
	for (int i = 0; i < 3; i++) {
		hello.slots[i].numa = i - 1;
		cpus_add(&hello.slots[i].cpus, i * 1000);
		cpus_add(&hello.slots[i].cpus, i);
	}
	return hello;
}

static void
assert_same_hello(const struct hello *a, const struct hello *b)
{
	assert_string_equal(a->host, b->host);
	assert_string_equal(a->boot_id, b->boot_id);
	assert_string_equal(a->build, b->build);
	assert_int_equal(a->rank, b->rank);
	assert_int_equal(a->unix_us, b->unix_us);
	assert_int_equal(a->memory_mib, b->memory_mib);
	assert_int_equal(a->host_cores, b->host_cores);
	assert_int_equal(a->withheld_cores, b->withheld_cores);
	assert_int_equal(a->taken_cores, b->taken_cores);
	assert_int_equal(a->host_slots, b->host_slots);
	assert_int_equal(a->search_paths, b->search_paths);
	assert_int_equal(a->oversubscribed, b->oversubscribed);
	assert_memory_equal(&a->offer, &b->offer, sizeof(a->offer));
	assert_int_equal(a->nslots, b->nslots);
	for (uint32_t i = 0; i < a->nslots; i++) {
		assert_int_equal(a->slots[i].number, b->slots[i].number);
		assert_int_equal(a->slots[i].numa, b->slots[i].numa);
		assert_true(cpus_equal(&a->slots[i].cpus, &b->slots[i].cpus));
	}
}

static bool
hello_reads(const void *bytes, size_t len, const struct hello *expected)
{
	char *copy = copy_of(bytes, len);
	struct unpack in = unpack_init(copy, len);
	struct hello hello;
	bool good = hello_unpack(&in, &hello);
	if (good && expected)
		assert_same_hello(&hello, expected);
	hello_clear(&hello);
	test_free(copy);
	return good;
}

static void
hello_survives_packing(void **state)
{
	(void)state;
	struct hello hello = full_hello();
	struct buf buf = {0};
	hello_pack(&buf, &hello);
	assert_true(hello_reads(buf.data, buf.len, &hello));
	for (size_t len = 0; len < buf.len; len++)
		assert_false(hello_reads(buf.data, len, NULL));
	buf_append(&buf, "x", 1);
	assert_false(hello_reads(buf.data, buf.len, NULL));
	buf_clear(&buf);
	hello_clear(&hello);
	hello_clear(&hello);
}

/* Any byte may be wrong: read or refused, never a crash. */
static void
damaged_hello_does_no_harm(void **state)
{
	(void)state;
	struct hello hello = full_hello();
	struct buf buf = {0};
	hello_pack(&buf, &hello);
	for (size_t i = 0; i < buf.len; i++) {
		char was = buf.data[i];
		static const unsigned char values[] = {0, 1, 127, 128, 255};
		for (int k = 0; k < 5; k++) {
			buf.data[i] = (char)values[k];
			hello_reads(buf.data, buf.len, NULL);
		}
		buf.data[i] = was;
	}
	assert_true(hello_reads(buf.data, buf.len, &hello));
	buf_clear(&buf);
	hello_clear(&hello);
}

/* --- CONFIG --- */

static bool
config_reads(const void *bytes, size_t len, const struct config *expected)
{
	char *copy = copy_of(bytes, len);
	struct unpack in = unpack_init(copy, len);
	struct config config;
	bool good = config_unpack(&in, &config);
	test_free(copy);
	if (good && expected) {
		assert_int_equal(config.refused, expected->refused);
		assert_int_equal(config.only_show, expected->only_show);
		assert_int_equal(config.session, expected->session);
		assert_int_equal(config.slots, expected->slots);
		assert_int_equal(config.master_works, expected->master_works);
		assert_int_equal(config.cores, expected->cores);
		assert_int_equal(config.bind, expected->bind);
		assert_int_equal(config.keep_strays, expected->keep_strays);
		assert_int_equal(config.ntasks, expected->ntasks);
		assert_string_equal(config.tmpdir, expected->tmpdir);
		assert_string_equal(config.run_dir, expected->run_dir);
		assert_int_equal(config.output, expected->output);
		assert_int_equal(config.remove_empty, expected->remove_empty);
		assert_int_equal(config.keep_failed_only, expected->keep_failed_only);
		assert_int_equal(config.session_number, expected->session_number);
		assert_string_equal(config.keep_env, expected->keep_env);
		assert_int_equal(config.environment_len, expected->environment_len);
		if (config.environment_len)
			assert_memory_equal(
				config.environment, expected->environment, config.environment_len);
		else
			assert_null(config.environment);
	}
	config_clear(&config);
	config_clear(&config);
	return good;
}

static void
config_survives_packing(void **state)
{
	(void)state;
	static char environment[] = "A=1\0B=2";
	char tmpdir[] = "/local/tmp", keep_env[] = "OMPI_MCA_*\nX", none[] = "";
	const struct config configs[] = {
		{.refused = true, .session = 7, .tmpdir = none, .run_dir = none, .keep_env = none},
		{.only_show = true, .slots = -1, .tmpdir = none, .run_dir = none, .keep_env = none},
		{.session = 0xfeedbeef,
			.slots = INT32_MIN,
			.master_works = true,
			.cores = 65535,
			.bind = true,
			.tmpdir = tmpdir,
			.run_dir = tmpdir,
			.output = OUTPUT_STORE,
			.remove_empty = true,
			.keep_failed_only = true,
			.session_number = 3,
			.keep_env = keep_env,
			.ntasks = UINT64_C(1) << 40,
			.environment = environment,
			.environment_len = sizeof(environment)},
		{.keep_strays = true,
			.slots = 64,
			.cores = 1,
			.tmpdir = tmpdir,
			.run_dir = none,
			.keep_env = none},
	};
	for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
		struct buf buf = {0};
		config_pack(&buf, &configs[i]);
		assert_true(config_reads(buf.data, buf.len, &configs[i]));
		for (size_t len = 0; len < buf.len; len++)
			assert_false(config_reads(buf.data, len, NULL));
		buf_append(&buf, "x", 1);
		assert_false(config_reads(buf.data, buf.len, NULL));
		buf_clear(&buf);
	}
}

/* --- snapshots --- */

/* What a worker with one slot says first. */
static void
say_hello(struct master *master, struct transport *transport, int64_t now_ns)
{
	struct message_link link = {.transport = transport, .session = 1, .worker = 7};
	struct hello hello = hello_of("a", "1", 1, 1, 8);
	int peer;
	const void *data;
	size_t len;
	struct message_head head;
	struct unpack in;
	struct err err;
	hello_pack(message_begin(&link, MESSAGE_HELLO), &hello);
	message_send(&link, 0);
	assert_int_equal(transport_receive(transport, &peer, &data, &len), TRANSPORT_MESSAGE);
	assert_int_equal(message_parse(data, len, &head, &in, &err), 0);
	master_message(master, peer, &head, &in, now_ns);
	hello_clear(&hello);
	buf_clear(&link.buf);
}

/* What happened within a second of a snapshot, and then nothing, was told four seconds late. */
static void
last_change_is_told_within_a_second(void **state)
{
	(void)state;
	const int64_t s = CLOCK_NS_PER_S, now = clock_now_ns() + s;
	struct err err;
	struct transport *transport = inmem_endpoint(inmem_new(1), 0);
	FILE *list = fopen("list", "w");
	assert_true(list && fputs("true\n", list) >= 0 && fclose(list) == 0);
	struct source *source = source_open(&(struct source_options){.list = "list"}, &err);
	struct journal *journal = journal_open(&(struct journal_options){.path = "journal"}, &err);
	if (!source || !journal)
		fail_msg("%s", err.text);
	struct master *master = master_new(&(struct master_options){.transport = transport,
		.session = 1,
		.workers = 1,
		.source = source,
		.journal = journal,
		.fds = {1, 2}});
	master_turn(master, now);
	assert_true(master_deadline_ns(master) == now + STATUS_BEAT_S * s);
	say_hello(master, transport, now + s / 2);
	master_turn(master, now + s / 2);
	assert_true(master_deadline_ns(master) == now + s);
	master_turn(master, now + s);
	assert_true(master_deadline_ns(master) == now + s + STATUS_BEAT_S * s);
	master_free(master);
	source_free(source);
	assert_int_equal(journal_close(journal, &err), 0);
	transport_close(transport, TRANSPORT_DRAIN);
}

/* --- */

#define OUTPUT_TEST(name) cmocka_unit_test_setup_teardown(name, rig_new, rig_free)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flights_are_found),
		cmocka_unit_test(flight_queues_keep_their_order),
		OUTPUT_TEST(outputs_appear_as_they_come),
		OUTPUT_TEST(fetched_output_keeps_others_waiting),
		OUTPUT_TEST(output_is_fetched_while_it_runs),
		OUTPUT_TEST(running_outputs_hold_up_nobody),
		OUTPUT_TEST(held_output_has_its_turn),
		OUTPUT_TEST(running_output_that_the_disk_cannot_hold),
		OUTPUT_TEST(running_output_fills_the_disk),
		OUTPUT_TEST(large_held_output_is_whole),
		OUTPUT_TEST(lost_outputs_hold_nobody_up),
		OUTPUT_TEST(long_lines_do_not_run_into_others),
		OUTPUT_TEST(credit_keeps_a_window),
		OUTPUT_TEST(slow_reader_stops_the_fetching),
		OUTPUT_TEST(full_pipe_never_blocks),
		OUTPUT_TEST(tail_is_the_end_of_standard_error),
		OUTPUT_TEST(closed_pipe_is_reported),
		OUTPUT_TEST(outputs_are_taken_when_nobody_reads),
		OUTPUT_TEST(outputs_are_done_once),
		cmocka_unit_test(full_disk_is_reported),
		cmocka_unit_test(files_take_everything_at_once),
		cmocka_unit_test(members_are_counted_by_host),
		cmocka_unit_test(members_without_slots_are_noticed),
		cmocka_unit_test(many_members_have_their_places),
		cmocka_unit_test(messages_carry_their_head),
		cmocka_unit_test(damaged_messages_are_refused),
		cmocka_unit_test(hello_survives_packing),
		cmocka_unit_test(damaged_hello_does_no_harm),
		cmocka_unit_test(config_survives_packing),
		cmocka_unit_test(last_change_is_told_within_a_second),
	};
	seed = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : (unsigned)clock_unix_us();
	print_message("seed %u\n", seed);
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, scratch_make, scratch_leave);
}
