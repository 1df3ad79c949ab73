/* Outputs in the order of the tasks: what waits on disk, what passes, what a full disk does. */
#include "base/buf.h"
#include "base/err.h"
#include "master/flights.h"
#include "master/order.h"
#include "master/output.h"
#include "scratch.h"
#include "tasks/task.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <linux/falloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

static unsigned seed;
static char bytes[1 << 20];

static size_t
below(size_t n)
{
	return (size_t)rand_r(&seed) % n;
}

/* --- the files --- */

/* The blocks that its file of pieces has on disk: it is unlinked, and the first of the two. */
static blkcnt_t
blocks_on_disk(void)
{
	char link[4096];
	for (int fd = 3; fd < 100; fd++) {
		char path[64];
		struct stat status;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t len = readlink(path, link, sizeof(link) - 1);
		link[len > 0 ? len : 0] = '\0';
		if (strstr(link, "mpbatch-output-") && fstat(fd, &status) == 0)
			return status.st_blocks;
	}
	return -1;
}

static void
add(struct order *order, uint64_t number, const char *data, size_t len)
{
	struct err err;
	while (len) {
		size_t piece = 1 + below(200000);
		piece = piece < len ? piece : len;
		assert_int_equal(order_add(order, 0, data, piece, &err), 0);
		assert_int_equal(order_add(order, 1, "x", 1, &err), 0);
		data += piece;
		len -= piece;
	}
	assert_int_equal(order_end(order, number, &err), 0);
}

/* Takes the one whose turn it is. */
static void
take(struct order *order, const char *data, size_t len)
{
	struct err err;
	struct buf got[2] = {{0}}, *to[2] = {&got[0], &got[1]};
	for (uint64_t number = order_turn(order); order_turn(order) == number;)
		assert_int_equal(order_take(order, to, &err), 1);
	assert_int_equal(got[0].len, len);
	if (len)
		assert_memory_equal(got[0].data, data, len);
	buf_clear(&got[0]);
	buf_clear(&got[1]);
}

/* Of all sizes, as they end in any order. */
static void
outputs_come_back_in_order(void **state)
{
	(void)state;
	enum { OUTPUTS = 200, WINDOW = 8 };
	struct err err;
	struct order *order = order_new(".", &err);
	struct buf none = {0}, *to[2] = {&none, &none};
	size_t at[OUTPUTS], len[OUTPUTS], next = 0;
	bool here[OUTPUTS] = {false};
	for (int added = 0; added < OUTPUTS; added++) {
		size_t number = next + below(WINDOW);
		if (number >= OUTPUTS || here[number])
			number = next;
		at[number] = below(1000);
		len[number] = below(4) ? below(sizeof(bytes) - 1000) : below(3);
		add(order, number, bytes + at[number], len[number]);
		here[number] = true;
		for (; next < OUTPUTS && here[next]; next++)
			take(order, bytes + at[next], len[next]);
		assert_int_equal(order_take(order, to, &err), 0);
		if (!order_holds(order))
			assert_int_equal(blocks_on_disk(), 0);
	}
	assert_int_equal(next, OUTPUTS);
	order_free(order);
}

/* Some are always there. */
static void
disk_gets_its_room_back_while_others_wait(void **state)
{
	(void)state;
	struct err err;
	struct order *order = order_new(".", &err);
	int fd = open("hole", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int can = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096);
	close(fd);
	unlink("hole");
	for (uint64_t number = 0; number < 100; number++) {
		add(order, number, bytes, sizeof(bytes));
		if (number >= 2)
			take(order, bytes, sizeof(bytes));
		if (can == 0) /* in the middle of the file, and at both ends a segment */
			assert_in_range(blocks_on_disk(), 1, (3 + 2 * 4 + 1) * 2048);
	}
	order_free(order);
}

/* --- our own output --- */

enum { FLIGHTS = 6 };

struct rig {
	int ends[2];
	struct buf read;
	struct output *output;
	struct flights *all;
	struct flight *flights[FLIGHTS];
};

static void
on_credit(void *arg, struct flight *flight, uint32_t chunks)
{
	(void)arg;
	(void)flight;
	(void)chunks;
}

static int
rig_new(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct err err;
	if (pipe2(rig->ends, O_CLOEXEC) < 0)
		return -1;
	fcntl(rig->ends[0], F_SETFL, O_NONBLOCK);
	rig->output = output_new(&(struct output_options){.fds = {rig->ends[1], rig->ends[1]},
		.order = order_new(".", &err),
		.credit = on_credit,
		.arg = rig});
	rig->all = flights_new();
	for (uint64_t i = 0; i < FLIGHTS; i++)
		rig->flights[i] = flights_add(
			rig->all, task_new(&(struct task){.index = i + 1, .order = i}), 0);
	*state = rig;
	alarm(60);
	return 0;
}

static int
rig_free(void **state)
{
	struct rig *rig = *state;
	alarm(0);
	output_free(rig->output);
	flights_free(rig->all);
	close(rig->ends[0]);
	close(rig->ends[1]);
	buf_clear(&rig->read);
	free(rig);
	return 0;
}

static void
end_with(struct rig *rig, int i, const char *out)
{
	struct result result = {.out = out, .out_bytes = strlen(out)};
	rig->flights[i]->result = result;
	output_ended(rig->output, rig->flights[i], &result);
}

static void
end_offered(struct rig *rig, int i)
{
	struct result result = {.offered = true};
	rig->flights[i]->result = result;
	output_ended(rig->output, rig->flights[i], &result);
}

static void
chunk(struct rig *rig, int i, const char *text)
{
	output_chunk(rig->output, rig->flights[i], 1, text, strlen(text));
}

static void
assert_written(struct rig *rig, const char *text)
{
	ssize_t got = 1;
	while (got > 0) {
		assert_int_equal(output_write(rig->output, NULL), 0);
		got = read(rig->ends[0], buf_room(&rig->read, 65536), 65536);
		buf_added(&rig->read, got > 0 ? (size_t)got : 0);
	}
	assert_int_equal(rig->read.len, strlen(text));
	if (*text)
		assert_memory_equal(rig->read.data, text, strlen(text));
}

static void
turn_comes_while_an_output_is_fetched(void **state)
{
	struct rig *rig = *state;
	end_with(rig, 1, "b ");
	end_with(rig, 0, "a ");
	end_offered(rig, 2); /* b lies on the disk still */
	chunk(rig, 2, "c1 ");
	assert_written(rig, "a b ");
	chunk(rig, 2, "c2 ");
	end_with(rig, 3, "d ");
	output_fetched(rig->output, rig->flights[2]);
	assert_written(rig, "a b c1 c2 d ");
	assert_false(output_holds(rig->output));
}

/* The disk takes no more than 100 bytes: RLIMIT_FSIZE says EFBIG where a disk says ENOSPC. */
static void
limit_files(rlim_t limit)
{
	struct rlimit limits;
	getrlimit(RLIMIT_FSIZE, &limits);
	limits.rlim_cur = limit;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limits), 0);
}

static void
full_disk_fails_the_task_and_loses_no_other(void **state)
{
	struct rig *rig = *state;
	struct err err;
	end_with(rig, 1, "b ");
	limit_files(100);
	end_offered(rig, 2);
	chunk(rig, 2, "c1 ");
	output_chunk(rig->output, rig->flights[2], 1, bytes, 5000);
	chunk(rig, 2, "c2 ");
	output_fetched(rig->output, rig->flights[2]);
	assert_true(output_spool_failed(rig->output, &err));
	assert_non_null(strstr(err.text, "wait for their turn"));
	assert_int_equal(rig->flights[2]->result.reason, RESULT_OUTPUT);
	assert_non_null(memmem(
		rig->flights[2]->tail.data, rig->flights[2]->tail.len, err.text, strlen(err.text)));
	limit_files(RLIM_INFINITY);
	end_with(rig, 3, "d ");
	end_with(rig, 0, "a ");
	assert_written(rig, "a b d ");
	assert_int_equal(rig->flights[1]->result.reason, RESULT_OK);
	assert_int_equal(rig->flights[3]->result.reason, RESULT_OK);
	struct flight *flight;
	int done = 0;
	while ((flight = output_next_done(rig->output)))
		done++;
	assert_int_equal(done, 4);
}

int
main(int argc, char **argv)
{
	seed = argc > 1 ? (unsigned)atoi(argv[1]) : (unsigned)getpid();
	print_message("seed %u\n", seed);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)rand_r(&seed);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outputs_come_back_in_order),
		cmocka_unit_test(disk_gets_its_room_back_while_others_wait),
		cmocka_unit_test_setup_teardown(
			turn_comes_while_an_output_is_fetched, rig_new, rig_free),
		cmocka_unit_test_setup_teardown(
			full_disk_fails_the_task_and_loses_no_other, rig_new, rig_free),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_leave);
}
